//! Arguments to exit code.

fn main() -> std::process::ExitCode {
    chapar::cli::main()
}
