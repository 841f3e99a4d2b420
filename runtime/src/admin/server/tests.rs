//! Who gets to which path, where others than this machine could ask; and what a process that stands still says of itself.

use axum::http::Method;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

use super::*;

/// What all requests share where everybody could reach us, with one token, `one`.
fn beyond_loopback() -> (watch::Sender<Arc<Tokens>>, Arc<Core>) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let hash = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";
    std::fs::write(file.path(), format!("ann:{hash}")).expect("a file");
    let (sender, tokens) = watch::channel(Arc::new(Tokens::load(file.path()).expect("tokens")));
    let core = Core {
        access: Access::new(Guard::new(Some(tokens)), false),
        exposition: Exposition::default(),
        subject: OnceLock::new(),
        phase: watch::Sender::new(Phase::Starting),
        verdict: watch::Sender::new(Verdict { reasons: Vec::new(), at: Instant::now() }),
    };
    (sender, Arc::new(core))
}

async fn status(core: &Arc<Core>, method: Method, path: &str, token: &str) -> u16 {
    let request = hyper::Request::builder().method(method).uri(path);
    let request = request.header("Authorization", format!("Bearer {token}")).body(Body::empty());
    let answer = TowerToHyperService::new(router(core)).call(request.expect("a request"));
    answer.await.expect("it always answers").status().as_u16()
}

#[tokio::test]
async fn beyond_loopback_all_but_probes_metrics_and_the_description_needs_a_token() {
    let (_tokens, core) = beyond_loopback();

    for path in ["/livez", "/metrics", "/openapi.json"] {
        assert_eq!(status(&core, Method::GET, path, "none").await, 200, "{path}");
    }
    // 503: let in, but nothing is there to be shown yet.
    for path in [
        "/api/v1/topology",
        "/api/v1/actors",
        "/api/v1/alerts",
        "/api/v1/actors/worker",
        "/api/v1/actors/worker/partitions/0",
    ] {
        assert_eq!(status(&core, Method::GET, path, "none").await, 401, "{path}");
        assert_eq!(status(&core, Method::GET, path, "one").await, 503, "{path}");
    }
    for action in ["pause", "resume", "drain"] {
        let path = format!("/api/v1/actors/worker/{action}");
        assert_eq!(status(&core, Method::POST, &path, "none").await, 401, "{path}");
        assert_eq!(status(&core, Method::POST, &path, "one").await, 503, "{path}");
        assert_eq!(status(&core, Method::GET, &path, "one").await, 405, "{path}");
    }
}

#[tokio::test]
async fn a_process_that_has_not_looked_after_itself_for_long_is_not_live() {
    let (_tokens, core) = beyond_loopback();
    let seconds_ago =
        |seconds| Instant::now().checked_sub(Duration::from_secs(seconds)).expect("the machine is older");
    let live = async |seconds| {
        core.set_verdict(Verdict { reasons: Vec::new(), at: seconds_ago(seconds) });
        status(&core, Method::GET, "/livez", "").await
    };

    assert_eq!((live(20).await, live(40).await), (200, 503));
}
