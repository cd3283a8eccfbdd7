//! `/docs`: all of the document, with links that lead somewhere, for the issuer that it is opened at.

use std::collections::BTreeSet;

use idp::http::openapi_service::openapi_document;
use serde_json::Value;

use crate::support::databases;
use crate::support::world::{Answer, World};

async fn page(world: &World, base: &str) -> Answer {
    let answer = world.get(&format!("{base}/docs"), &[("accept", "text/html"), ("accept-language", "de")]).await;
    answer.assert_page(200, "API reference");
    answer
}

fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    html.split(&format!(" {name}=\"")).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[tokio::test]
async fn every_operation_and_schema_is_there_and_every_link_leads_somewhere() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let html = page(&world, "").await.body;
        let ids = attributes(&html, "id");
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "an id is there twice");
        let links: Vec<&str> =
            attributes(&html, "href").into_iter().filter_map(|href| href.strip_prefix('#')).collect();
        for link in &links {
            assert!(unique.contains(link), "#{link} leads nowhere");
        }
        let document: Value = serde_json::from_str(&openapi_document().unwrap()).unwrap();
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let heading = format!(
                    "{}</a></h3>\n<p class=\"address\"><span class=\"method method-{method}\">{}</span> <code>{path}</code>",
                    operation["summary"].as_str().unwrap().replace('\'', "&#39;"),
                    method.to_uppercase()
                );
                assert!(html.contains(&heading), "{method} {path}");
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    assert!(html.contains(&format!("<code>{}</code>", parameter["name"].as_str().unwrap())));
                }
            }
        }
        for name in document["components"]["schemas"].as_object().unwrap().keys() {
            assert!(unique.contains(format!("schema-{name}").as_str()), "{name}");
        }
    }
}

#[tokio::test]
async fn its_lines_are_for_the_tenant_that_it_is_opened_at() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        world.other_tenant("acme").await;
        let html = page(&world, "/t/acme").await.body;
        assert!(html.contains("curl &#34;http://127.0.0.1:8080/t/acme/v1/admin/users&#34;"), "{html}");
        assert!(!html.contains("&#34;http://127.0.0.1:8080/v1/admin"));
        assert!(!html.contains("{issuer}"));
    }
}

#[tokio::test]
async fn it_keeps_to_the_policy_of_our_pages() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let answer = page(&world, "").await;
        assert_eq!(answer.header("content-language"), Some("en"));
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
        assert!(!answer.body.contains("style=") && !answer.body.contains("<style") && !answer.body.contains("onclick"));
        for address in [attributes(&answer.body, "src"), attributes(&answer.body, "href")].concat() {
            assert!(address.starts_with(['#', '/']), "{address} is elsewhere");
            if address.starts_with("/assets/") {
                assert_eq!(world.get(address, &[]).await.status.as_u16(), 200, "{address}");
            }
        }
        assert!(answer.body.len() < 400_000, "{} bytes", answer.body.len());
    }
}
