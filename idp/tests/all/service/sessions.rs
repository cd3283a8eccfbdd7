//! Sessions end by their age and by rest.

use std::time::Duration;

use crate::support::databases;
use crate::support::world::{Browser, CALLBACK, World};

/// Whether the browser is signed in still.
async fn is_signed_in(browser: &mut Browser<'_>) -> bool {
    let silent = browser.authorize("reports", &[("prompt", "none")]).await;
    assert!(silent.location().starts_with(CALLBACK), "{}", silent.location());
    silent.returned("code").is_some()
}

#[tokio::test]
async fn a_session_ends_when_it_rested_too_long() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let rest = world.ctx.config.sessions.idle_timeout;
        let mut browser = Browser::new(&world, "");
        browser.code("reports", "ada@example.com").await;
        world.pass(rest - Duration::from_secs(1));
        assert!(is_signed_in(&mut browser).await);
        world.pass(rest - Duration::from_secs(1));
        assert!(is_signed_in(&mut browser).await, "each use counts");
        world.pass(rest);
        assert!(!is_signed_in(&mut browser).await);
    }
}

#[tokio::test]
async fn a_session_ends_at_its_age_however_much_it_is_used() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        browser.code("reports", "ada@example.com").await;
        let step = Duration::from_hours(24);
        let mut age = step;
        while age < world.ctx.config.sessions.lifetime {
            world.pass(step);
            assert!(is_signed_in(&mut browser).await, "after {age:?}");
            age += step;
        }
        world.pass(step);
        assert!(!is_signed_in(&mut browser).await);
    }
}
