//! A refresh token that is used at two nodes at once.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use poem::http::StatusCode;

use super::{listens, two_nodes};
use crate::http::claims::tokens_for;
use crate::http::refresh::{OFFLINE, refresh_with, text};
use crate::support::database::TestDatabase;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hundred_parallel_refreshes_at_two_nodes_there_is_one_successor() {
    let database = TestDatabase::postgres().await;
    let (one, two) = two_nodes(&database.settings(), || None).await;
    listens(&one).await;
    listens(&two).await;
    let first = tokens_for(&one, "", "reports", "ada@example.com", &[OFFLINE]).await;
    let presented = [("refresh_token", text(&first, "refresh_token"))];
    let asked =
        (0..200).map(|number| refresh_with(if number % 2 == 0 { &one } else { &two }, "", "reports", &presented));
    let successors: BTreeSet<String> = join_all(asked)
        .await
        .iter()
        .map(|answer| {
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            text(&answer.json(), "refresh_token").to_owned()
        })
        .collect();
    assert_eq!(successors.len(), 1, "both nodes give the same");
    // And it is good, at either of them.
    let next = [("refresh_token", successors.first().unwrap().as_str())];
    for node in [&one, &two] {
        let answer = refresh_with(node, "", "reports", &next).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }
}
