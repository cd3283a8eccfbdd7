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
account-notice-withdrawn = Der Zugriff ist entzogen. Die Anwendung muss Sie neu fragen.

# Übersicht
account-overview-title = Ihr Konto
account-overview-lead = Alles über { $person } bei { $brand }
account-overview-profile = Ihr Name, wie man Sie erreicht und was Anwendungen davon erfahren dürfen
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

# Anwendungen
account-applications-lead = Diese dürfen Ihr Konto nutzen, ohne Sie noch einmal zu fragen.
account-applications-none = Keine Anwendung hat Zugriff
account-applications-none-next = Wenn Sie sich bei einer Anwendung anmelden und ihr etwas erlauben, erscheint sie hier.
account-application-since = Zugriff seit:
account-application-may = Was { $client } darf
account-application-off = Abgeschaltet
account-withdraw = Entziehen
account-withdraw-from = { $client } den Zugriff entziehen
account-withdraw-title = Zugriff entziehen?
account-withdraw-lead = { $client } verliert sofort und auf jedem Gerät den Zugriff auf Ihr Konto
account-withdraw-lost = { $client } kann dann nicht mehr:
account-withdraw-keeps = Was dort selbst gespeichert ist, bleibt dort. Wenn Sie die Anwendung wieder nutzen, muss sie Sie neu fragen.
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
