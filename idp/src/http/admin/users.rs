//! `/v1/admin/users`.

use poem::http::StatusCode;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};

use super::Group;
use super::gate::{Gate, UsersRead, UsersWrite};
use super::model::{NewUser, PasswordChange, User, UserPart, UserPatch};
use crate::domain::user::{self, LoginName, UserStatus};
use crate::domain::{Secret, UserId};
use crate::http::api::answer::{Answer, Changed, Content, Done, Listed, Made, Set, Shown, Switched, etag};
use crate::http::api::body::{Body, Patch};
use crate::http::api::paging::Part;
use crate::http::api::refusal::{Refusal, Result};
use crate::http::api::schema::Word;
use crate::service::users::{self, UserFilter};

/// People.
#[derive(Debug)]
pub struct Users;

#[OpenApi(prefix_path = "/v1/admin", tag = "Group::Users")]
impl Users {
    /// List users
    ///
    /// In the order in which they were made. Scope: `admin:users:read`.
    #[oai(path = "/users", method = "get", operation_id = "listUsers")]
    #[expect(clippy::too_many_arguments, reason = "a parameter each, for the document")]
    async fn list(
        &self,
        gate: Gate<UsersRead>,
        /// How many, 1 to 200; 50 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u16>>,
        /// `next_cursor` of the part before.
        cursor: Query<Option<String>>,
        /// Only whoever has this e-mail address.
        email: Query<Option<String>>,
        /// Only whoever has this user name.
        username: Query<Option<String>>,
        /// Only those of this status.
        status: Query<Option<Word<UserStatus>>>,
        /// Only those whose e-mail address or user name begins so.
        search: Query<Option<String>>,
    ) -> Answer<Listed<UserPart>> {
        let filter = UserFilter {
            email: email.0.as_deref().map(LoginName::new),
            username: username.0.as_deref().map(LoginName::new),
            status: status.0.map(|status| status.0),
            begins: search.0.as_deref().map(LoginName::new),
        };
        Answer::new(list(&gate, &filter, Part::new(limit.0, cursor.0.as_deref())).await)
    }

    /// Make a user
    ///
    /// An e-mail address or user name that is taken answers 409, so that a request that is sent twice makes one user.
    /// Scope: `admin:users:write`.
    #[oai(path = "/users", method = "post", operation_id = "createUser")]
    async fn create(&self, gate: Gate<UsersWrite>, body: Body<NewUser>) -> Answer<Made<User>> {
        Answer::new(create(&gate, &body.read).await)
    }

    /// Show a user
    ///
    /// Scope: `admin:users:read`.
    #[oai(path = "/users/:user_id", method = "get", operation_id = "getUser")]
    async fn show(
        &self,
        gate: Gate<UsersRead>,
        /// The user's id.
        user_id: Path<String>,
    ) -> Answer<Shown<User>> {
        Answer::new(find(&gate, &user_id).await.map(|user| shown(&user)))
    }

    /// Change a user
    ///
    /// A merge patch (RFC 7396). With `If-Match`, nothing that was changed since is lost: the answer is 412 then.
    /// Scope: `admin:users:write`.
    #[oai(path = "/users/:user_id", method = "patch", operation_id = "updateUser")]
    async fn update(
        &self,
        gate: Gate<UsersWrite>,
        /// The user's id.
        user_id: Path<String>,
        /// `ETag` of the version that is to be changed.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
        body: Body<UserPatch, Patch>,
    ) -> Answer<Changed<User>> {
        Answer::new(update(&gate, &user_id, if_match.0.as_deref(), &body.document).await)
    }

    /// Delete a user
    ///
    /// With sessions, grants and consents. Scope: `admin:users:write`.
    #[oai(path = "/users/:user_id", method = "delete", operation_id = "deleteUser")]
    async fn delete(
        &self,
        gate: Gate<UsersWrite>,
        /// The user's id.
        user_id: Path<String>,
    ) -> Answer<Done> {
        Answer::new(delete(&gate, &user_id).await)
    }

    /// Set a user's password
    ///
    /// All of their sessions and grants end. Scope: `admin:users:write`.
    #[oai(path = "/users/:user_id/password", method = "put", operation_id = "setPassword")]
    async fn set_password(
        &self,
        gate: Gate<UsersWrite>,
        /// The user's id.
        user_id: Path<String>,
        body: Body<PasswordChange>,
    ) -> Answer<Set> {
        Answer::new(set_password(&gate, &user_id, body.read).await)
    }

    /// Switch a user on
    ///
    /// Who was disabled or locked may sign in again. Scope: `admin:users:write`.
    #[oai(path = "/users/:user_id/enable", method = "post", operation_id = "enableUser")]
    async fn enable(
        &self,
        gate: Gate<UsersWrite>,
        /// The user's id.
        user_id: Path<String>,
    ) -> Answer<Switched<User>> {
        Answer::new(set_status(&gate, &user_id, UserStatus::Active).await)
    }

    /// Switch a user off
    ///
    /// All of their sessions and grants end. Scope: `admin:users:write`.
    #[oai(path = "/users/:user_id/disable", method = "post", operation_id = "disableUser")]
    async fn disable(
        &self,
        gate: Gate<UsersWrite>,
        /// The user's id.
        user_id: Path<String>,
    ) -> Answer<Switched<User>> {
        Answer::new(set_status(&gate, &user_id, UserStatus::Disabled).await)
    }

    /// Lock a user
    ///
    /// The same as switching off, for a reason of security. Scope: `admin:users:write`.
    #[oai(path = "/users/:user_id/lock", method = "post", operation_id = "lockUser")]
    async fn lock(
        &self,
        gate: Gate<UsersWrite>,
        /// The user's id.
        user_id: Path<String>,
    ) -> Answer<Switched<User>> {
        Answer::new(set_status(&gate, &user_id, UserStatus::Locked).await)
    }
}

fn shown(user: &user::User) -> Content {
    Content::json(&User::from(user)).version(user.updated_at)
}

/// The id in an address. Whatever isn't one is nobody's.
pub(super) fn id(text: &str) -> Result<UserId> {
    text.parse().map_err(|_| Refusal::not_found("there is no such user"))
}

/// The user of the id in an address.
pub(super) async fn find<R>(gate: &Gate<R>, text: &str) -> Result<user::User> {
    Ok(users::find(&gate.ctx, gate.tenant(), &id(text)?.to_string()).await?)
}

async fn list(gate: &Gate<UsersRead>, filter: &UserFilter, part: Result<Part<UserId>>) -> Result<Content> {
    let part = part?;
    let found = users::list(&gate.ctx, gate.tenant(), filter, part.after, part.reads()).await?;
    let (shown, next_cursor) = part.shows(found, |user| user.id.to_string());
    Ok(Content::json(&UserPart { items: shown.iter().map(User::from).collect(), next_cursor }))
}

async fn create(gate: &Gate<UsersWrite>, body: &NewUser) -> Result<Content> {
    let details = body.details()?;
    let new = users::NewUser {
        email: details.email,
        email_verified: details.email_verified,
        username: details.username,
        roles: details.roles,
        profile: details.profile,
        password: body.password.as_ref().map(|password| Secret::new(password.0.as_str())),
    };
    let user = users::create(&gate.ctx, gate.tenant(), new, &gate.admitted.actor).await?;
    let address = format!("{}/v1/admin/users/{}", gate.site.base, user.id);
    Ok(shown(&user).location(address))
}

async fn update(
    gate: &Gate<UsersWrite>,
    text: &str,
    if_match: Option<&str>,
    patch: &serde_json::Value,
) -> Result<Content> {
    let user = find(gate, text).await?;
    let seen = matching(if_match, user.updated_at, "the user")?;
    let actor = &gate.admitted.actor;
    Ok(shown(&users::update(&gate.ctx, gate.tenant(), user.id, seen, patch, actor).await?))
}

/// The version that a change is held to, if `If-Match` asks for that (RFC 9110 §13.1.1).
pub(super) fn matching(
    if_match: Option<&str>,
    updated_at: crate::domain::Timestamp,
    what: &str,
) -> Result<Option<crate::domain::Timestamp>> {
    match if_match.map(str::trim) {
        None | Some("*") => Ok(None),
        Some(tags) if tags.split(',').any(|tag| tag.trim() == etag(updated_at)) => Ok(Some(updated_at)),
        Some(_) => {
            let text =
                format!("{what} was changed since you read it; read it again, and see whether your change still holds");
            Err(Refusal::new(StatusCode::PRECONDITION_FAILED, text))
        }
    }
}

async fn delete(gate: &Gate<UsersWrite>, text: &str) -> Result<Content> {
    users::delete(&gate.ctx, gate.tenant(), id(text)?, &gate.admitted.actor).await?;
    Ok(Content::default())
}

async fn set_password(gate: &Gate<UsersWrite>, text: &str, body: PasswordChange) -> Result<Content> {
    let (name, password) = (id(text)?.to_string(), Secret::new(body.password.0));
    users::set_password(&gate.ctx, gate.tenant(), &name, password, &gate.admitted.actor).await?;
    Ok(Content::default())
}

async fn set_status(gate: &Gate<UsersWrite>, text: &str, status: UserStatus) -> Result<Content> {
    let name = id(text)?.to_string();
    Ok(shown(&users::set_status(&gate.ctx, gate.tenant(), &name, status, &gate.admitted.actor).await?))
}
