"""Signs people in at an OpenID provider, by Authlib and Flask."""

import os

from authlib.integrations.flask_client import OAuth
from flask import Flask, jsonify, request, session

ISSUER = os.environ["ISSUER"]
PORT = int(os.environ.get("PORT", "8090"))
BASE_URL = os.environ.get("BASE_URL", f"http://127.0.0.1:{PORT}")

app = Flask(__name__)
# Several processes need the same key: it signs the cookie that says what to expect when the browser comes back.
app.secret_key = os.environ.get("SECRET_KEY") or os.urandom(32)
app.config.update(SESSION_COOKIE_SAMESITE="Lax", SESSION_COOKIE_SECURE=BASE_URL.startswith("https:"))

provider = OAuth(app).register(
    "signet",
    server_metadata_url=ISSUER + "/.well-known/openid-configuration",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
    client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256"},
)


@app.get("/")
def home():
    return '<a href="/login">Sign in</a>'


@app.get("/login")
def login():
    return provider.authorize_redirect(BASE_URL + "/callback")


@app.get("/callback")
def callback():
    try:
        # From the provider that was asked (RFC 9207)? The library leaves this to us.
        if request.args.get("iss") != ISSUER:
            raise ValueError("iss isn't the provider that was asked")
        # Swaps the code for tokens. The library checks state, the ID token's signature, iss, aud, exp and nonce.
        token = provider.authorize_access_token()
        claims = token["userinfo"]
        userinfo = provider.userinfo(token=token)
        if userinfo["sub"] != claims["sub"]:
            raise ValueError("userinfo is about somebody else")
    except Exception:
        app.logger.exception("sign-in failed")
        return "You are not signed in.", 400

    # Here your application begins a session of its own for the subject. This one shows what it got.
    return jsonify(id_token=claims, userinfo=userinfo)


if __name__ == "__main__":
    app.run("127.0.0.1", PORT)
