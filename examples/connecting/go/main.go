// Signs people in at an OpenID provider, by go-oidc and golang.org/x/oauth2.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

var (
	issuer  = os.Getenv("ISSUER")
	address = "127.0.0.1:" + cmp.Or(os.Getenv("PORT"), "8090")
	baseURL = cmp.Or(os.Getenv("BASE_URL"), "http://"+address)
)

type application struct {
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
	oauth2   oauth2.Config
}

func main() {
	provider, err := oidc.NewProvider(context.Background(), issuer)
	if err != nil {
		log.Fatal(err)
	}
	clientID := os.Getenv("CLIENT_ID")
	app := application{
		provider: provider,
		verifier: provider.Verifier(&oidc.Config{ClientID: clientID}),
		oauth2: oauth2.Config{
			ClientID:     clientID,
			ClientSecret: os.Getenv("CLIENT_SECRET"),
			Endpoint:     provider.Endpoint(),
			RedirectURL:  baseURL + "/callback",
			Scopes:       []string{oidc.ScopeOpenID, "profile", "email"},
		},
	}
	http.HandleFunc("/{$}", home)
	http.HandleFunc("/login", app.login)
	http.HandleFunc("/callback", app.callback)
	log.Printf("Open %s", baseURL)
	log.Fatal(http.ListenAndServe(address, nil))
}

func home(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprint(w, `<a href="/login">Sign in</a>`)
}

// login sends the browser to the provider, with a cookie that says what to expect when it comes back.
func (app *application) login(w http.ResponseWriter, r *http.Request) {
	verifier, state, nonce := oauth2.GenerateVerifier(), rand.Text(), rand.Text()
	setCookie(w, strings.Join([]string{verifier, state, nonce}, "."), 600)
	url := app.oauth2.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier))
	http.Redirect(w, r, url, http.StatusSeeOther)
}

func (app *application) callback(w http.ResponseWriter, r *http.Request) {
	claims, userinfo, err := app.signIn(r)
	setCookie(w, "", -1)
	if err != nil {
		log.Printf("sign-in failed: %v", err)
		http.Error(w, "You are not signed in.", http.StatusBadRequest)
		return
	}
	// Here your application begins a session of its own for the subject. This one shows what it got.
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"id_token": claims, "userinfo": userinfo})
}

// signIn checks what the browser brought, swaps the code for tokens, and verifies those.
func (app *application) signIn(r *http.Request) (claims, userinfo map[string]any, err error) {
	cookie, err := r.Cookie("attempt")
	if err != nil {
		return nil, nil, errors.New("this browser began no sign-in")
	}
	attempt := strings.Split(cookie.Value, ".")
	query := r.URL.Query()
	if len(attempt) != 3 || query.Get("state") != attempt[1] {
		return nil, nil, errors.New("state isn't the one that this sign-in began with")
	}
	if query.Get("iss") != issuer { // RFC 9207
		return nil, nil, errors.New("iss isn't the provider that was asked")
	}
	if query.Has("error") {
		return nil, nil, fmt.Errorf("%s: %s", query.Get("error"), query.Get("error_description"))
	}
	token, err := app.oauth2.Exchange(r.Context(), query.Get("code"), oauth2.VerifierOption(attempt[0]))
	if err != nil {
		return nil, nil, err
	}
	raw, _ := token.Extra("id_token").(string)
	idToken, err := app.verifier.Verify(r.Context(), raw) // the signature, iss, aud and exp
	if err != nil {
		return nil, nil, err
	}
	if idToken.Nonce != attempt[2] {
		return nil, nil, errors.New("nonce isn't the one that this sign-in began with")
	}
	if err := idToken.Claims(&claims); err != nil {
		return nil, nil, err
	}
	info, err := app.provider.UserInfo(r.Context(), app.oauth2.TokenSource(r.Context(), token))
	if err != nil {
		return nil, nil, err
	}
	if info.Subject != idToken.Subject {
		return nil, nil, errors.New("userinfo is about somebody else")
	}
	return claims, userinfo, info.Claims(&userinfo)
}

func setCookie(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: "attempt", Value: value, Path: "/callback", MaxAge: maxAge, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(baseURL, "https:"),
	})
}
