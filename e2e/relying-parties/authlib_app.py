"""A web application on PyPI's Authlib, used as its documentation shows."""

import json
import os
import sys

# The tests speak plain HTTP on the loopback interface.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

from authlib.integrations.base_client import OAuthError  # noqa: E402
from authlib.integrations.flask_client import OAuth  # noqa: E402
from authlib.integrations.requests_client import OAuth2Session  # noqa: E402
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator  # noqa: E402
from flask import Flask, Response, redirect, url_for  # noqa: E402

with open(sys.argv[1], encoding="utf-8") as file:
    facts = json.load(file)
port = int(sys.argv[2])
issuer = facts["issuer"]

app = Flask(__name__)
app.secret_key = os.urandom(32)
oauth = OAuth(app)
provider = oauth.register(
    "signet",
    server_metadata_url=issuer + "/.well-known/openid-configuration",
    client_id=facts["browser_client"]["client_id"],
    client_secret=facts["browser_client"]["client_secret"],
    client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256"},
)


class AccessTokens(JWTBearerTokenValidator):
    """Verifies access tokens as a resource server does (RFC 9068)."""

    def get_jwks(self):
        return provider.fetch_jwk_set()


def show(value, status=200):
    """A page that the tests can read."""
    text = json.dumps(value).replace("&", "&amp;").replace("<", "&lt;")
    return Response(f"<!doctype html><title>Result</title><pre id=result>{text}</pre>", status, mimetype="text/html")


def verify_access_token(text, audience):
    """The token's claims, once the library is content with them."""
    validator = AccessTokens(issuer=issuer, resource_server=audience)
    token = validator.authenticate_token(text)
    validator.validate_token(token, None, None)
    return dict(token)


@app.get("/")
def home():
    return "ready"


@app.get("/login")
def login():
    return provider.authorize_redirect(f"http://127.0.0.1:{port}/callback")


@app.get("/callback")
def callback():
    try:
        token = provider.authorize_access_token()
    except OAuthError as error:
        return show({"error": error.error, "error_description": error.description}, 400)
    userinfo = provider.userinfo(token=token)
    access = verify_access_token(token["access_token"], issuer)
    return show({"id_token": token["userinfo"], "userinfo": userinfo, "access_token": access})


@app.get("/service")
def service():
    client = facts["service_client"]
    session = OAuth2Session(client["client_id"], client["client_secret"])
    token = session.fetch_token(provider.load_server_metadata()["token_endpoint"], grant_type="client_credentials")
    return show({"access_token": verify_access_token(token["access_token"], "services")})


if __name__ == "__main__":
    app.run("127.0.0.1", port, threaded=True)
