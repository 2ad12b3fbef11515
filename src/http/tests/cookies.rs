//! Cookies: for the sources that ask for them, and for nobody else.

use super::*;

fn cookie(seen: &Seen) -> Option<String> {
    let line = seen.head.lines().find(|line| line.to_ascii_lowercase().starts_with("cookie:"))?;
    Some(line["cookie:".len()..].trim().to_owned())
}

async fn site_with_a_gate() -> Site {
    Site::start(|path, head| match path {
        "/robots.txt" => answer(200, "Set-Cookie: r=1; Path=/\r\n", b""),
        "/page" if !head.contains("pass=s3cret") => {
            answer(302, "Set-Cookie: pass=s3cret; Path=/; HttpOnly\r\nLocation: /page?again\r\n", b"")
        }
        _ => answer(200, "", b"in"),
    })
    .await
}

#[tokio::test]
async fn a_cookie_set_on_a_redirect_is_sent_on_the_next_hop_and_later() {
    let site = site_with_a_gate().await;
    let (client, url) = (client(), site.url("/page"));
    let (a, b) = ("a".parse().unwrap(), "b".parse().unwrap());
    let of = |source| Request { cookies: Some(source), ..obedient(&url) };
    client.get(&of(&a)).await.unwrap();
    client.rebuilt(settings()).unwrap().get(&of(&a)).await.unwrap();
    client.get(&of(&b)).await.unwrap();
    let sent: Vec<(String, Option<String>)> =
        site.seen().iter().map(|seen| (seen.path.clone(), cookie(seen))).collect();
    let pass = || Some("pass=s3cret".to_owned());
    let expected = [
        ("/robots.txt", None),
        ("/page", None),
        ("/page?again", pass()),
        ("/page", pass()),
        ("/page", None),
        ("/page?again", pass()),
    ];
    assert_eq!(sent, expected.map(|(path, cookie)| (path.to_owned(), cookie)));
}

#[tokio::test]
async fn no_cookie_is_sent_unasked() {
    let site = site_with_a_gate().await;
    let client = client();
    for _ in 0..2 {
        client.get(&request(&site.url("/page"))).await.unwrap();
    }
    assert!(site.seen().iter().all(|seen| cookie(seen).is_none()), "{:?}", site.seen());
    assert!(!format!("{client:?}").contains("s3cret"));
}
