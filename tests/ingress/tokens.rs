//! Bearer tokens from a file.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use support::{PATIENCE, eventually};

use super::{Shop, answer, builder};

/// SHA-256 of `one` and of `two`.
const ONE: &str = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";
const TWO: &str = "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3";

fn write(directory: &Path, text: &str) {
    let path = directory.join("tokens");
    fs::write(&path, text).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("our own file");
}

async fn status(shop: &Shop, token: &str) -> u16 {
    let post = shop.post("/tasks/7").header("Content-Type", "application/json").body("1");
    answer(post.header("Authorization", format!("Bearer {token}"))).await.status
}

#[tokio::test]
async fn only_who_has_a_token_may_publish_and_a_changed_file_is_read_again() {
    let builder = builder("tokens = \"tokens\"");
    let directory = builder.directory().to_owned();
    write(&directory, &format!("# who\nshop:{ONE}\n"));
    let shop = Shop::of(builder).await;

    let without = shop.event("/tasks/7", "1").await;
    assert_eq!(without.problem(), (401, "unauthenticated".to_owned()));
    assert_eq!(without.header("www-authenticate"), "Bearer");
    assert_eq!(super::answer(shop.client.get(format!("{}/openapi.json", shop.url))).await.status, 401);
    assert_eq!((status(&shop, "one").await, status(&shop, "two").await), (202, 401));

    write(&directory, &format!("billing:{TWO}\n"));
    eventually(PATIENCE, async || status(&shop, "two").await == 202).await;
    assert_eq!(status(&shop, "one").await, 401);

    write(&directory, "not a token\n");
    shop.runtime.wait_for_log("the tokens of the ingress stay as they were").await;
    assert_eq!(status(&shop, "two").await, 202);
    assert_eq!(shop.runtime.count_log("not a token"), 0, "the file's text is never logged");
    shop.drain().await;
}
