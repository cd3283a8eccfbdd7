# Die Sprache selbst: wie sie sich nennt und in welcher Richtung sie geschrieben wird (ltr oder rtl).
language-name = Deutsch
language-direction = ltr

# Auf jeder Seite
language-switch = Sprache
opens-new-tab = (öffnet sich in einem neuen Tab)
error-prefix = Fehler:
error-summary-title = Das hat nicht geklappt
privacy-policy = Datenschutz
terms-of-service = Nutzungsbedingungen
client-links = Über { $client }

# Anmelden
sign-in-title = Anmelden
sign-in-lead = Mit Ihrem Konto bei { $brand } weiter zu { $client }
sign-in-account-lead = Melden Sie sich an, um Ihr Konto bei { $brand } zu verwalten
sign-in-again-title = Noch einmal anmelden
sign-in-again-lead = { $client } möchte sichergehen, dass noch immer Sie es sind, { $person }
sign-in-again-account-lead = Diese Änderung verlangt einen Nachweis, dass noch immer Sie es sind, { $person }
sign-in-login = E-Mail-Adresse oder Benutzername
sign-in-password = Passwort
sign-in-submit = Anmelden
sign-in-cancel = Abbrechen
sign-in-no-account = Neu hier?
sign-in-sign-up = Konto anlegen
show-password = Passwort anzeigen
hide-password = Passwort verbergen

sign-in-bad-credentials = E-Mail-Adresse, Benutzername oder Passwort stimmt nicht. Prüfen Sie die Angaben und versuchen Sie es noch einmal.
sign-in-missing-login = Geben Sie Ihre E-Mail-Adresse oder Ihren Benutzernamen ein
sign-in-missing-password = Geben Sie Ihr Passwort ein
sign-in-too-many-attempts =
    { $minutes ->
        [one] Es gab zu viele Anmeldeversuche. Warten Sie eine Minute und versuchen Sie es dann noch einmal.
       *[other] Es gab zu viele Anmeldeversuche. Warten Sie { $minutes } Minuten und versuchen Sie es dann noch einmal.
    }
sign-in-busy = Gerade melden sich sehr viele Menschen an. Warten Sie einen Moment und versuchen Sie es dann noch einmal.
sign-in-expired = Diese Seite war zu lange geöffnet. Geben Sie Ihr Passwort noch einmal ein.

# Registrieren
sign-up-title = Konto anlegen
sign-up-lead = Mit einem Konto bei { $brand } weiter zu { $client }
sign-up-account-lead = Damit melden Sie sich bei den Apps von { $brand } an
sign-up-email = E-Mail-Adresse
sign-up-name = Name
sign-up-optional = (freiwillig)
sign-up-password = Passwort
sign-up-password-hint = Mindestens 8 Zeichen. Gut sind ein paar Wörter, die nicht zusammengehören.
sign-up-submit = Konto anlegen
sign-up-have-account = Haben Sie ein Konto?
sign-up-sign-in = Anmelden
sign-up-missing-email = Geben Sie Ihre E-Mail-Adresse ein
sign-up-malformed-email = Geben Sie eine E-Mail-Adresse wie name@example.com ein
sign-up-taken = Mit dieser E-Mail-Adresse lässt sich kein Konto anlegen. Nehmen Sie eine andere oder melden Sie sich an.
sign-up-name-unfit = Geben Sie einen Namen mit höchstens 255 Zeichen ein
sign-up-missing-password = Wählen Sie ein Passwort
sign-up-password-too-short = Wählen Sie ein Passwort mit mindestens 8 Zeichen
sign-up-password-too-long = Wählen Sie ein Passwort mit höchstens 128 Zeichen
sign-up-password-guessable = Dieses Passwort ist leicht zu erraten. Wählen Sie ein längeres oder selteneres, in dem weder Ihr Name noch Ihre E-Mail-Adresse vorkommt.
sign-up-too-many-attempts =
    { $minutes ->
        [one] Von hier aus gab es zu viele Versuche, ein Konto anzulegen. Warten Sie eine Minute und versuchen Sie es dann noch einmal.
       *[other] Von hier aus gab es zu viele Versuche, ein Konto anzulegen. Warten Sie { $minutes } Minuten und versuchen Sie es dann noch einmal.
    }
sign-up-busy = Gerade melden sich sehr viele Menschen an. Warten Sie einen Moment und versuchen Sie es dann noch einmal.

# Kontoauswahl
select-account-title = Konto auswählen
select-account-lead = Welches Konto möchten Sie mit { $client } verwenden?
select-account-account-lead = Welches Konto möchten Sie verwalten?
select-account-other = Anderes Konto verwenden

# Der Rückweg zur App über ein Formular
form-post-title = Gleich geht es weiter
form-post-lead-site = Falls nichts passiert, gehen Sie selbst weiter zu { $host }
form-post-lead-app = Falls nichts passiert, gehen Sie selbst weiter zur App auf diesem Gerät
form-post-submit = Weiter

# Zustimmung
consent-title = Zugriff erlauben?
consent-lead = { $client } möchte Ihr Konto bei { $brand } nutzen
consent-signed-in-as = Angemeldet als
consent-switch-account = Anderes Konto verwenden
consent-scopes = { $client } darf dann:
consent-new = Neu
consent-allow = Erlauben
consent-deny = Nicht erlauben
consent-returns-to-site = In beiden Fällen geht es zurück zu { $host }
consent-returns-to-app = In beiden Fällen geht es zurück zur App auf diesem Gerät

# Abmelden
logout-title = Abmelden?
logout-lead = Sie sind dabei, sich bei { $brand } abzumelden
logout-lead-client = { $client } fragt, ob Sie sich bei { $brand } abmelden möchten
logout-which = Welches Konto?
logout-all = Alle Konten in diesem Browser
logout-yes = Abmelden
logout-no = Angemeldet bleiben
logout-returns-to-site = Nach der Abmeldung geht es zurück zu { $host }
logout-returns-to-app = Nach der Abmeldung geht es zurück zur App auf diesem Gerät
logout-frames-title = Sie sind abgemeldet
logout-frames-lead = Sie werden auch bei Ihren Apps abgemeldet. Das dauert höchstens ein paar Sekunden.
logout-frame = Abmeldung bei { $client }

# Mitteilungen
landing-title = { $brand }
landing-lead = Hier melden Sie sich bei Ihren Apps an. Auf dieser Seite gibt es nichts zu tun: Öffnen Sie die App, die Sie nutzen möchten. Sie bringt Sie hierher, wenn es nötig ist.
signed-in-title = Sie sind angemeldet
signed-in-lead = Sie sind als { $person } angemeldet. Sie können diese Seite schließen oder die App öffnen, die Sie nutzen möchten.
signed-in-account = Konto verwalten
signed-out-title = Sie sind abgemeldet
signed-out-lead = Sie haben sich bei { $brand } abgemeldet. Sie können diese Seite schließen.
flow-finished-title = Diese Anmeldung ist schon abgeschlossen
flow-finished-lead = Sie haben diese Seite schon einmal benutzt, hier gibt es nichts mehr zu tun. Gehen Sie zurück zur App. Wenn sie nach einer Anmeldung fragt, beginnen Sie dort von vorn.
back-to-client = Zurück zu { $client }
