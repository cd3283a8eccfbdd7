# Die Kontoverwaltung: was jede Seite umgibt
account-skip = Zum Inhalt springen
account-navigation = Ihr Konto
account-menu = Konto:
account-signed-in-as = Angemeldet als
account-add = Anderes Konto verwenden
account-overview = Übersicht
account-profile = Profil
account-password = Passwort
account-sessions = Geräte
account-applications = Anwendungen
account-save = Speichern
account-pages = Mehr aus dieser Liste
account-pages-first = Zurück zum Anfang
account-pages-next = Weitere anzeigen

account-notice-profile-saved = Ihr Profil ist gespeichert.
account-notice-password-changed = Ihr Passwort ist geändert. Überall sonst sind Sie abgemeldet.
account-notice-device-signed-out = Das Gerät ist abgemeldet.
account-notice-others-signed-out = Sie sind überall sonst abgemeldet.
account-notice-withdrawn = Der Zugriff ist entzogen. Die Anwendung erhält ihn nur von Ihnen wieder.

# Übersicht
account-overview-title = Ihr Konto
account-overview-lead = Alles über { $person } bei { $brand }
account-overview-profile = Ihr Name, wie man Sie erreicht und was Anwendungen davon erfahren dürfen
account-overview-password = Ein neues, wenn Sie möchten oder müssen
account-overview-sessions = Wo Sie angemeldet sind, und sich dort abmelden
account-overview-applications = Welche Anwendungen Ihr Konto nutzen und was sie dürfen

# Profil
account-profile-lead = Was Sie hier eintragen, erfahren die Anwendungen, denen Sie es erlauben. Lassen Sie leer, was Sie nicht sagen möchten.
account-profile-signing-in = Anmeldung
account-profile-signing-in-hint = Um dies zu ändern, wenden Sie sich an die Betreiber dieses Dienstes.
account-profile-name = Name
account-profile-about = Über Sie
account-profile-address = Anschrift
account-profile-region = Sprache und Region
account-profile-stale = Ihr Profil wurde anderswo geändert, während diese Seite offen war. Prüfen Sie, was unten markiert ist, und speichern Sie noch einmal, um es zu ersetzen.
account-profile-stored = Anderswo wurde dies zu „{ $value }“ geändert
account-profile-stored-empty = Anderswo wurde dies geleert
account-email = E-Mail-Adresse
account-username = Benutzername
account-verified = Bestätigt
account-not-verified = Nicht bestätigt

account-claim-name = Vollständiger Name
account-claim-given-name = Vorname
account-claim-middle-name = Weitere Vornamen
account-claim-family-name = Nachname
account-claim-nickname = Spitzname
account-claim-birthdate = Geburtsdatum
account-claim-gender = Geschlecht
account-claim-picture = Adresse eines Bildes von Ihnen
account-claim-profile = Adresse Ihrer Profilseite
account-claim-website = Adresse Ihrer Website
account-claim-phone-number = Telefonnummer
account-claim-street-address = Straße und Hausnummer
account-claim-postal-code = Postleitzahl
account-claim-locality = Ort
account-claim-region = Bundesland oder Kanton
account-claim-country = Land
account-claim-locale = Sprache
account-claim-zoneinfo = Zeitzone

account-hint-name = So, wie Anwendungen ihn anderen zeigen
account-hint-birthdate = Zum Beispiel 1990-12-31, oder nur das Jahr
account-hint-phone-number = Mit Ländervorwahl, zum Beispiel +49 30 901820
account-hint-locale = Ihr Kürzel, zum Beispiel de-AT
account-hint-zoneinfo = Zum Beispiel Europe/Berlin

account-wrong-text = { $field }: höchstens 255 Zeichen, in einer Zeile
account-wrong-lines = { $field }: höchstens 1000 Zeichen
account-wrong-web-address = { $field }: Geben Sie eine Web-Adresse ein, die mit https:// beginnt
account-wrong-birthdate = { $field }: Geben Sie Jahr, Monat und Tag ein, zum Beispiel 1990-12-31
account-wrong-phone-number = { $field }: Geben Sie die Nummer mit Ländervorwahl ein, zum Beispiel +49 30 901820
account-wrong-locale = { $field }: Geben Sie das Kürzel einer Sprache ein, zum Beispiel de-AT
account-wrong-zoneinfo = { $field }: Geben Sie eine Zeitzone ein, zum Beispiel Europe/Berlin

# Passwort
account-password-title = Passwort ändern
account-password-lead = Ein langes Passwort, das Sie nirgends sonst verwenden, schützt Ihr Konto. Nach der Änderung bleiben Sie hier angemeldet und werden überall sonst abgemeldet.
account-password-current = Jetziges Passwort
account-password-new = Neues Passwort
account-password-again = Neues Passwort noch einmal
account-password-hint = Mindestens 8 Zeichen. Mehrere Wörter merkt man sich leicht, und sie sind schwer zu erraten.
account-password-submit = Passwort ändern
account-password-missing-current = Geben Sie Ihr jetziges Passwort ein
account-password-missing-new = Geben Sie ein neues Passwort ein
account-password-missing-again = Geben Sie das neue Passwort noch einmal ein
account-password-wrong = Das jetzige Passwort stimmt nicht
account-password-different = Das neue Passwort wurde zweimal verschieden eingegeben
account-password-too-short = Das neue Passwort hat weniger als 8 Zeichen
account-password-too-long = Das neue Passwort hat mehr als 128 Zeichen
account-password-guessable = Das neue Passwort ist leicht zu erraten. Wählen Sie eines, das nicht verbreitet ist und nichts mit Ihnen oder diesem Dienst zu tun hat.

# Geräte
account-sessions-lead = Auf diesen Geräten sind Sie angemeldet. Melden Sie ab, was Sie nicht kennen, und ändern Sie dann Ihr Passwort.
account-sessions-only = Sie sind nirgends sonst angemeldet.
account-sessions-more = Es gibt noch mehr als diese.
account-device = { $browser } auf { $system }
account-device-app = Eine App
account-device-unknown = Unbekanntes Gerät
account-this-device = Dieses Gerät
account-session-active = Zuletzt aktiv
account-session-started = Angemeldet
account-session-address = Adresse
account-session-method = Womit
account-method-password = Passwort
account-sign-out = Abmelden
account-sign-out-of = Abmelden: { $device }
account-end-others = Überall sonst abmelden
account-end-others-title = Überall sonst abmelden?
account-end-others-lead = Sie bleiben nur auf diesem Gerät angemeldet
account-end-others-lost = Hier werden Sie abgemeldet:
account-end-others-keeps = Wer eines davon benutzt, muss sich neu anmelden. Anwendungen, die auch in Ihrer Abwesenheit arbeiten dürfen, behalten ihren Zugriff: Entziehen können Sie ihn unter Anwendungen.
account-end-others-submit = Überall sonst abmelden
account-end-others-cancel = Angemeldet bleiben

# Anwendungen
account-applications-lead = Diese dürfen Ihr Konto nutzen, ohne Sie noch einmal zu fragen.
account-applications-none = Keine Anwendung hat Zugriff
account-applications-none-next = Wenn eine Anwendung Ihr Konto nutzen darf, auch während Sie nicht da sind, erscheint sie hier.
account-application-since = Zugriff seit:
account-application-may = Was { $client } darf
account-application-off = Abgeschaltet
account-withdraw = Entziehen
account-withdraw-from = { $client } den Zugriff entziehen
account-withdraw-title = Zugriff entziehen?
account-withdraw-lead = { $client } verliert sofort und auf jedem Gerät den Zugriff auf Ihr Konto
account-withdraw-lost = { $client } kann dann nicht mehr:
account-withdraw-keeps = Was dort selbst gespeichert ist, bleibt dort. Wenn Sie die Anwendung wieder nutzen, muss sie Sie neu fragen.
account-withdraw-keeps-own = Was dort selbst gespeichert ist, bleibt dort. Zugriff erhält sie erst wieder, wenn Sie sie wieder nutzen.
account-withdraw-submit = Zugriff entziehen
account-withdraw-cancel = Zugriff lassen

# Zeitpunkte
moment-now = gerade eben
moment-minutes =
    { $count ->
        [one] vor 1 Minute
       *[other] vor { $count } Minuten
    }
moment-hours =
    { $count ->
        [one] vor 1 Stunde
       *[other] vor { $count } Stunden
    }
moment-days =
    { $count ->
        [one] vor 1 Tag
       *[other] vor { $count } Tagen
    }
moment-exact = { $date }, { $time } Uhr UTC
moment-date = { $day }. { $month ->
        [1] Januar
        [2] Februar
        [3] März
        [4] April
        [5] Mai
        [6] Juni
        [7] Juli
        [8] August
        [9] September
        [10] Oktober
        [11] November
       *[12] Dezember
    } { $year }
