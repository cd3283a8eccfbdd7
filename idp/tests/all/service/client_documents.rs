//! The sector document (OpenID Connect Registration §5), read when a client is registered.

use idp::domain::client::{ClientAuthMethod, ClientMetadata, GrantType, SubjectType};
use idp::service::client_documents::DocumentError;
use idp::service::clients::{self, ClientChangeError, NewClient};
use idp::service::outbound::OutboundError;
use serde_json::json;

use crate::support::databases;
use crate::support::elsewhere::{Elsewhere, Reply};
use crate::support::world::World;

const ONE: &str = "https://one.example/cb";
const TWO: &str = "https://two.example/cb";

async fn register(world: &World, sector: &str) -> Result<(), ClientChangeError> {
    let tenant = world.tenant().await;
    let mut metadata = ClientMetadata::new([GrantType::AuthorizationCode], ClientAuthMethod::ClientSecretBasic);
    metadata.redirect_uris = vec![ONE.parse().unwrap(), TWO.parse().unwrap()];
    metadata.subject_type = SubjectType::Pairwise;
    metadata.sector_identifier_uri = Some(sector.to_owned());
    let new = NewClient { id: None, name: "Reports".to_owned(), metadata, secret: None };
    clients::create(&world.ctx, tenant.id, new, "test").await.map(drop)
}

#[tokio::test]
async fn a_sector_document_must_list_every_redirect_uri() {
    let field = "sector_identifier_uri";
    for database in databases().await {
        let site = Elsewhere::start().await;
        let world = World::on(database.open().await).await;
        let url = site.url("/sector");
        for (reply, expected) in [
            (Reply::json(&json!([ONE, TWO])), Ok(())),
            (Reply::json(&json!(["https://three.example/cb", TWO, ONE])), Ok(())),
            (Reply::json(&json!([ONE])), Err(DocumentError::NotInSector(TWO.to_owned()))),
            (Reply::json(&json!([ONE, "https://two.example/cb/"])), Err(DocumentError::NotInSector(TWO.to_owned()))),
            (Reply::json(&json!([])), Err(DocumentError::NotInSector(ONE.to_owned()))),
            (Reply::json(&json!({ "redirect_uris": [ONE, TWO] })), Err(DocumentError::SectorDocument)),
            (Reply::json(&json!([ONE, TWO, 3])), Err(DocumentError::SectorDocument)),
            (Reply::Document(String::new(), vec![b'['; 60_000]), Err(DocumentError::SectorDocument)),
            (
                Reply::Redirect("https://one.example/".to_owned()),
                Err(DocumentError::Unfetched { field, error: OutboundError::Redirect }),
            ),
            (Reply::Endless(None), Err(DocumentError::Unfetched { field, error: OutboundError::TooLarge(65_536) })),
        ] {
            site.answers("/sector", reply.clone());
            let expected = expected.map_err(ClientChangeError::Document);
            assert_eq!(register(&world, &url).await, expected, "{reply:?}");
        }
        let private = register(&world, "https://10.0.0.1/sector").await;
        let expected = DocumentError::Unfetched { field, error: OutboundError::NotPublic };
        assert_eq!(private, Err(ClientChangeError::Document(expected)));
        let tenant = world.tenant().await;
        assert_eq!(clients::list(&world.ctx, tenant.id, None, 100).await.unwrap().len(), 2, "the good ones alone");
    }
}
