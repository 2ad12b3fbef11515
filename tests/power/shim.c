/* Preloaded into the program under test: journals, in their order, the calls that change files below a folder, and those
 * that make changes durable; the test builds from it the disks that a power cut could have left.
 *
 * CHAPAR_POWER_ROOT is the folder, CHAPAR_POWER_JOURNAL the journal. Calls whose path holds the text of
 * CHAPAR_POWER_NO_SYNC are answered as done when they ask for durability, and leave no mark: so the test can tell whether
 * it would notice a sync that is missing. CHAPAR_POWER_CLOCK names a file with seconds to add to the clock of the day.
 *
 * A record is one line, "KIND INODE NUMBER LENGTH LENGTH\n", followed by the bytes of so many paths or data. One lock is held
 * over a call and its record, so that the order of the journal is the order of the calls. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int journal = -1;
static const char *root, *no_sync, *clock_file;
static size_t root_length;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("CHAPAR_POWER_JOURNAL");
    root = getenv("CHAPAR_POWER_ROOT");
    no_sync = getenv("CHAPAR_POWER_NO_SYNC");
    clock_file = getenv("CHAPAR_POWER_CLOCK");
    if (root) root_length = strlen(root);
    if (path && root)
        journal = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static int below_root(const char *path) {
    return journal >= 0 && strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || !path[root_length]);
}

/* The path of an open file; what was removed since ends in " (deleted)". */
static int path_of(int fd, char path[PATH_MAX]) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = 0;
    return below_root(path);
}

static int full_path(int folder, const char *name, char path[PATH_MAX]) {
    if (name[0] == '/') {
        snprintf(path, PATH_MAX, "%s", name);
    } else {
        char before[PATH_MAX];
        if (folder == AT_FDCWD) {
            if (syscall(SYS_getcwd, before, sizeof before) < 0) return 0;
        } else {
            path_of(folder, before);
        }
        if ((size_t)snprintf(path, PATH_MAX, "%s/%s", before, name) >= PATH_MAX) return 0;
    }
    return below_root(path);
}

static unsigned long long inode_of(int fd) {
    struct stat found;
    return fstat(fd, &found) == 0 ? (unsigned long long)found.st_ino : 0;
}

static void note(char kind, unsigned long long inode, unsigned long long number, const void *first, size_t first_length,
                 const void *second, size_t second_length) {
    char head[128];
    int saved = errno;
    int length = snprintf(head, sizeof head, "%c %llu %llu %zu %zu\n", kind, inode, number, first_length, second_length);
    struct iovec parts[3] = {{head, (size_t)length}, {(void *)first, first_length}, {(void *)second, second_length}};
    if (syscall(SYS_writev, journal, parts, 3) < 0) abort();
    errno = saved;
}


static int open_and_note(int folder, const char *name, int flags, mode_t mode) {
    char path[PATH_MAX];
    if (journal < 0 || !(flags & (O_CREAT | O_TRUNC)) || !full_path(folder, name, path))
        return (int)syscall(SYS_openat, folder, name, flags, mode);
    pthread_mutex_lock(&lock);
    struct stat before;
    int was_there = fstatat(folder, name, &before, 0) == 0;
    int fd = (int)syscall(SYS_openat, folder, name, flags, mode);
    if (fd >= 0) {
        if (!was_there) note('C', inode_of(fd), 0, path, strlen(path), "", 0);
        else if (flags & O_TRUNC) note('T', inode_of(fd), 0, "", 0, "", 0);
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

#define MODE(flags) ({ mode_t mode_ = 0; if ((flags) & (O_CREAT | __O_TMPFILE)) { va_list rest; va_start(rest, flags); \
    mode_ = va_arg(rest, mode_t); va_end(rest); } mode_; })

int open(const char *name, int flags, ...) { return open_and_note(AT_FDCWD, name, flags, MODE(flags)); }
int open64(const char *name, int flags, ...) { return open_and_note(AT_FDCWD, name, flags, MODE(flags)); }
int openat(int folder, const char *name, int flags, ...) { return open_and_note(folder, name, flags, MODE(flags)); }
int openat64(int folder, const char *name, int flags, ...) { return open_and_note(folder, name, flags, MODE(flags)); }

static void note_written(int fd, const void *bytes, ssize_t written, off_t at) {
    char path[PATH_MAX];
    if (written > 0 && path_of(fd, path)) note('W', inode_of(fd), (unsigned long long)at, bytes, (size_t)written, "", 0);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    if (journal < 0) return syscall(SYS_write, fd, bytes, length);
    pthread_mutex_lock(&lock);
    ssize_t written = syscall(SYS_write, fd, bytes, length);
    if (written > 0 && fd == 1) note('S', 0, 0, bytes, (size_t)written, "", 0);
    else if (written > 0) {
        off_t end = syscall(SYS_lseek, fd, 0, SEEK_CUR);
        if (end >= written) note_written(fd, bytes, written, end - written);
    }
    pthread_mutex_unlock(&lock);
    return written;
}

static ssize_t write_at(int fd, const void *bytes, size_t length, off_t at) {
    if (journal < 0) return syscall(SYS_pwrite64, fd, bytes, length, at);
    pthread_mutex_lock(&lock);
    ssize_t written = syscall(SYS_pwrite64, fd, bytes, length, at);
    note_written(fd, bytes, written, at);
    pthread_mutex_unlock(&lock);
    return written;
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return write_at(fd, bytes, length, at); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) { return write_at(fd, bytes, length, at); }

/* One part at a time: a short write is always allowed. */
ssize_t writev(int fd, const struct iovec *parts, int count) {
    char path[PATH_MAX];
    if (journal < 0 || (fd != 1 && !path_of(fd, path))) return syscall(SYS_writev, fd, parts, count);
    for (int part = 0; part < count; part++)
        if (parts[part].iov_len) return write(fd, parts[part].iov_base, parts[part].iov_len);
    return 0;
}

/* Copies go through read and write. */
ssize_t copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t length, unsigned flags) {
    if (journal >= 0) { errno = ENOSYS; return -1; }
    return syscall(SYS_copy_file_range, in, in_at, out, out_at, length, flags);
}
ssize_t sendfile64(int out, int in, off64_t *at, size_t length) {
    if (journal >= 0) { errno = ENOSYS; return -1; }
    return syscall(SYS_sendfile, out, in, at, length);
}
ssize_t sendfile(int out, int in, off_t *at, size_t length) { return sendfile64(out, in, at, length); }
int fallocate64(int fd, int mode, off64_t at, off64_t length) {
    if (journal >= 0) { errno = EOPNOTSUPP; return -1; }
    return (int)syscall(SYS_fallocate, fd, mode, at, length);
}
int fallocate(int fd, int mode, off_t at, off_t length) { return fallocate64(fd, mode, at, length); }

int ftruncate64(int fd, off64_t length) {
    char path[PATH_MAX];
    if (journal < 0) return (int)syscall(SYS_ftruncate, fd, length);
    pthread_mutex_lock(&lock);
    int done = (int)syscall(SYS_ftruncate, fd, length);
    if (done == 0 && path_of(fd, path)) note('T', inode_of(fd), (unsigned long long)length, "", 0, "", 0);
    pthread_mutex_unlock(&lock);
    return done;
}
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int sync_and_note(int fd, int call) {
    char path[PATH_MAX];
    if (journal < 0 || !path_of(fd, path)) return (int)syscall(call, fd);
    if (no_sync && *no_sync && strstr(path, no_sync)) return 0;
    pthread_mutex_lock(&lock);
    int done = (int)syscall(call, fd);
    if (done == 0) note('F', inode_of(fd), 0, path, strlen(path), "", 0);
    pthread_mutex_unlock(&lock);
    return done;
}
int fsync(int fd) { return sync_and_note(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_and_note(fd, SYS_fdatasync); }

static int rename_and_note(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    char first[PATH_MAX], second[PATH_MAX];
    int is_ours = journal >= 0 && full_path(from_folder, from, first) | full_path(to_folder, to, second);
    if (!is_ours) return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
    pthread_mutex_lock(&lock);
    int done = (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
    if (done == 0) note('R', 0, 0, first, strlen(first), second, strlen(second));
    pthread_mutex_unlock(&lock);
    return done;
}
int rename(const char *from, const char *to) { return rename_and_note(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int a, const char *from, int b, const char *to) { return rename_and_note(a, from, b, to, 0); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) { return rename_and_note(a, from, b, to, flags); }

static int unlink_and_note(int folder, const char *name, int flags) {
    char path[PATH_MAX];
    if (journal < 0 || !full_path(folder, name, path)) return (int)syscall(SYS_unlinkat, folder, name, flags);
    pthread_mutex_lock(&lock);
    int done = (int)syscall(SYS_unlinkat, folder, name, flags);
    if (done == 0) note('U', 0, 0, path, strlen(path), "", 0);
    pthread_mutex_unlock(&lock);
    return done;
}
int unlink(const char *name) { return unlink_and_note(AT_FDCWD, name, 0); }
int unlinkat(int folder, const char *name, int flags) { return unlink_and_note(folder, name, flags); }
int rmdir(const char *name) { return unlink_and_note(AT_FDCWD, name, AT_REMOVEDIR); }

static int link_and_note(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    char first[PATH_MAX], second[PATH_MAX];
    int is_ours = journal >= 0 && full_path(from_folder, from, first) | full_path(to_folder, to, second);
    if (!is_ours) return (int)syscall(SYS_linkat, from_folder, from, to_folder, to, flags);
    pthread_mutex_lock(&lock);
    int done = (int)syscall(SYS_linkat, from_folder, from, to_folder, to, flags);
    if (done == 0) note('L', 0, 0, first, strlen(first), second, strlen(second));
    pthread_mutex_unlock(&lock);
    return done;
}
int link(const char *from, const char *to) { return link_and_note(AT_FDCWD, from, AT_FDCWD, to, 0); }
int linkat(int a, const char *from, int b, const char *to, int flags) { return link_and_note(a, from, b, to, flags); }

int mkdirat(int folder, const char *name, mode_t mode) {
    char path[PATH_MAX];
    if (journal < 0 || !full_path(folder, name, path)) return (int)syscall(SYS_mkdirat, folder, name, mode);
    pthread_mutex_lock(&lock);
    int done = (int)syscall(SYS_mkdirat, folder, name, mode);
    if (done == 0) note('D', 0, 0, path, strlen(path), "", 0);
    pthread_mutex_unlock(&lock);
    return done;
}
int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }

int clock_gettime(clockid_t which, struct timespec *time) {
    int done = (int)syscall(SYS_clock_gettime, which, time);
    if (done == 0 && which == CLOCK_REALTIME && clock_file) {
        char text[32];
        int fd = (int)syscall(SYS_openat, AT_FDCWD, clock_file, O_RDONLY | O_CLOEXEC, 0);
        ssize_t length = fd < 0 ? 0 : syscall(SYS_read, fd, text, sizeof text - 1);
        if (fd >= 0) syscall(SYS_close, fd);
        if (length > 0) {
            text[length] = 0;
            time->tv_sec += strtol(text, NULL, 10);
        }
    }
    return done;
}
