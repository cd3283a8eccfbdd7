import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.oauth2.sdk.AuthorizationCodeGrant;
import com.nimbusds.oauth2.sdk.ErrorObject;
import com.nimbusds.oauth2.sdk.GeneralException;
import com.nimbusds.oauth2.sdk.ResponseType;
import com.nimbusds.oauth2.sdk.Scope;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.id.Issuer;
import com.nimbusds.oauth2.sdk.id.State;
import com.nimbusds.oauth2.sdk.pkce.CodeChallengeMethod;
import com.nimbusds.oauth2.sdk.pkce.CodeVerifier;
import com.nimbusds.openid.connect.sdk.AuthenticationRequest;
import com.nimbusds.openid.connect.sdk.AuthenticationResponseParser;
import com.nimbusds.openid.connect.sdk.Nonce;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponse;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponseParser;
import com.nimbusds.openid.connect.sdk.UserInfoRequest;
import com.nimbusds.openid.connect.sdk.UserInfoResponse;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import com.nimbusds.openid.connect.sdk.validators.IDTokenValidator;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;
import java.util.regex.Pattern;

/** Signs people in at an OpenID provider, by Nimbus. */
public class SignIn {
    static final int PORT = Integer.parseInt(System.getenv().getOrDefault("PORT", "8090"));
    static final String BASE_URL = System.getenv().getOrDefault("BASE_URL", "http://127.0.0.1:" + PORT);
    static final URI REDIRECT_URI = URI.create(BASE_URL + "/callback");
    static final Issuer ISSUER = new Issuer(System.getenv("ISSUER"));
    static final ClientID CLIENT_ID = new ClientID(System.getenv("CLIENT_ID"));
    static final Secret CLIENT_SECRET = new Secret(System.getenv("CLIENT_SECRET"));
    static final Pattern ATTEMPT = Pattern.compile("(?:^|; )attempt=([^.;]+)\\.([^.;]+)\\.([^.;]+)");

    static OIDCProviderMetadata provider;
    static IDTokenValidator idTokens;

    public static void main(String[] args) throws Exception {
        provider = OIDCProviderMetadata.resolve(ISSUER);
        // Reads the provider's keys, and reads them again when there are new ones.
        idTokens = new IDTokenValidator(ISSUER, CLIENT_ID, JWSAlgorithm.RS256, provider.getJWKSetURI().toURL());

        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", PORT), 0);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.createContext("/", SignIn::home);
        server.createContext("/login", SignIn::login);
        server.createContext("/callback", SignIn::callback);
        server.start();
        System.out.println("Open " + BASE_URL);
    }

    static void home(HttpExchange exchange) throws IOException {
        answer(exchange, 200, "text/html", "<a href=\"/login\">Sign in</a>");
    }

    /** Sends the browser to the provider, with a cookie that says what to expect when it comes back. */
    static void login(HttpExchange exchange) throws IOException {
        CodeVerifier verifier = new CodeVerifier();
        State state = new State();
        Nonce nonce = new Nonce();
        Scope scope = new Scope("openid", "profile", "email");
        URI address = new AuthenticationRequest.Builder(ResponseType.CODE, scope, CLIENT_ID, REDIRECT_URI)
            .endpointURI(provider.getAuthorizationEndpointURI())
            .codeChallenge(verifier, CodeChallengeMethod.S256)
            .state(state)
            .nonce(nonce)
            .build()
            .toURI();
        setCookie(exchange, verifier.getValue() + "." + state + "." + nonce, 600);
        exchange.getResponseHeaders().set("Location", address.toString());
        answer(exchange, 303, "text/plain", "");
    }

    static void callback(HttpExchange exchange) throws IOException {
        setCookie(exchange, "", 0);
        try {
            // Here your application begins a session of its own for the subject. This one shows what it got.
            answer(exchange, 200, "application/json", signIn(exchange));
        } catch (Exception error) {
            System.err.println("sign-in failed: " + error);
            answer(exchange, 400, "text/plain", "You are not signed in.");
        }
    }

    /** Checks what the browser brought, swaps the code for tokens, and verifies those. */
    static String signIn(HttpExchange exchange) throws Exception {
        var cookies = ATTEMPT.matcher(String.valueOf(exchange.getRequestHeaders().getFirst("Cookie")));
        if (!cookies.find()) throw new GeneralException("this browser began no sign-in");
        var verifier = new CodeVerifier(cookies.group(1));
        var state = new State(cookies.group(2));
        var nonce = new Nonce(cookies.group(3));

        var response = AuthenticationResponseParser.parse(REDIRECT_URI.resolve(exchange.getRequestURI()));
        if (!state.equals(response.getState())) throw new GeneralException("state isn't that of this sign-in");
        if (!ISSUER.equals(response.getIssuer())) throw new GeneralException("iss isn't who was asked"); // RFC 9207
        if (!response.indicatesSuccess()) throw failure(response.toErrorResponse().getErrorObject());

        var code = response.toSuccessResponse().getAuthorizationCode();
        var grant = new AuthorizationCodeGrant(code, REDIRECT_URI, verifier);
        var secret = new ClientSecretBasic(CLIENT_ID, CLIENT_SECRET);
        var request = new TokenRequest.Builder(provider.getTokenEndpointURI(), secret, grant).build();
        var answer = OIDCTokenResponseParser.parse(request.toHTTPRequest().send());
        if (!answer.indicatesSuccess()) throw failure(answer.toErrorResponse().getErrorObject());
        var tokens = ((OIDCTokenResponse) answer.toSuccessResponse()).getOIDCTokens();

        // The signature, iss, aud, exp and nonce.
        var claims = idTokens.validate(tokens.getIDToken(), nonce);

        var question = new UserInfoRequest(provider.getUserInfoEndpointURI(), tokens.getBearerAccessToken());
        var userinfo = UserInfoResponse.parse(question.toHTTPRequest().send());
        if (!userinfo.indicatesSuccess()) throw failure(userinfo.toErrorResponse().getErrorObject());
        var person = userinfo.toSuccessResponse().getUserInfo();
        if (!claims.getSubject().equals(person.getSubject())) throw new GeneralException("userinfo is about another");
        return "{\"id_token\":" + claims.toJSONString() + ",\"userinfo\":" + person.toJSONString() + "}";
    }

    static GeneralException failure(ErrorObject error) {
        return new GeneralException(error.getCode() + ": " + error.getDescription());
    }

    static void setCookie(HttpExchange exchange, String value, int maxAge) {
        String secure = BASE_URL.startsWith("https:") ? "; Secure" : "";
        exchange.getResponseHeaders().set("Set-Cookie",
            "attempt=" + value + "; Max-Age=" + maxAge + "; Path=/callback; HttpOnly; SameSite=Lax" + secure);
    }

    static void answer(HttpExchange exchange, int status, String type, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", type + "; charset=utf-8");
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }
}
