# Jeder Fehler hat einen Titel, was geschehen ist und was zu tun ist. Wessen Fehler: einer von vier Sätzen.
fault-app = Die App, die Sie hierher geschickt hat, hat diesen Fehler gemacht. Sie haben nichts falsch gemacht.
fault-service = Das ist unser Fehler. Sie haben nichts falsch gemacht.
fault-reader = Sie können das selbst beheben, in diesem Browser.
fault-nobody = Niemand hat etwas falsch gemacht.

failure-next = Was Sie jetzt tun können
failure-facts = Für alle, die der Sache nachgehen
fact-parameter = Parameter
fact-code = Fehlercode
fact-detail = Einzelheiten
fact-reference = Kennung

next-tell-app-maker = Gehen Sie zurück zur App und versuchen Sie es noch einmal. Wenn es wieder geschieht, wenden Sie sich mit den Angaben unten an den Hersteller der App.
next-start-again = Gehen Sie zurück zur App und beginnen Sie die Anmeldung von vorn.
next-wait-seconds =
    { $count ->
        [one] Warten Sie eine Sekunde und laden Sie diese Seite dann neu.
       *[other] Warten Sie { $count } Sekunden und laden Sie diese Seite dann neu.
    }
next-tell-operator = Versuchen Sie es in einer Weile noch einmal. Wenn es wieder geschieht, wenden Sie sich mit der Kennung unten an den Betreiber dieses Dienstes.
next-ask-operator = Fragen Sie den Betreiber dieses Dienstes.

failure-unknown-client-title = Diese App kennen wir nicht
failure-unknown-client-what = Die App, die Sie hierher geschickt hat, ist bei uns nicht registriert. Deshalb geht es hier nicht weiter.
failure-client-disabled-title = Diese App ist abgeschaltet
failure-client-disabled-what = Die App, die Sie hierher geschickt hat, darf zurzeit niemanden anmelden.
failure-redirect-uri-missing-title = Die App hat nicht gesagt, wohin es zurückgeht
failure-redirect-uri-missing-what = Die Adresse für die Rückkehr nach der Anmeldung fehlt. Zum Schutz Ihres Kontos haben wir hier angehalten.
failure-redirect-uri-mismatch-title = Die App will an eine unbekannte Adresse zurück
failure-redirect-uri-mismatch-what = Die Adresse für die Rückkehr nach der Anmeldung ist für diese App nicht registriert. Zum Schutz Ihres Kontos haben wir hier angehalten.
failure-id-token-hint-missing-title = Die App hat sich nicht ausgewiesen
failure-id-token-hint-missing-what = Die App möchte Sie nach der Abmeldung zurückholen, aber der Nachweis fehlt, dass sie diese App ist. Sie sind noch angemeldet.
failure-id-token-hint-invalid-title = Der Nachweis der App ist nicht zu gebrauchen
failure-id-token-hint-invalid-what = Die App, die Sie zum Abmelden hierher geschickt hat, hat nicht nachgewiesen, dass sie eine Ihrer Apps ist. Sie sind noch angemeldet.
failure-post-logout-redirect-uri-mismatch-title = Die App will an eine unbekannte Adresse zurück
failure-post-logout-redirect-uri-mismatch-what = Die Adresse für die Rückkehr nach der Abmeldung ist für diese App nicht registriert. Sie sind noch angemeldet.
failure-invalid-request-title = Die Anfrage der App ist nicht brauchbar
failure-invalid-request-what = Die App, die Sie hierher geschickt hat, hat etwas auf eine Weise angefragt, die wir nicht verstehen oder nicht erlauben.
failure-flow-unknown-title = Diese Anmeldung ist abgelaufen
failure-flow-unknown-what = Sie war zu lange geöffnet, oder der Link wurde nur zum Teil kopiert.
failure-other-browser-title = Diese Anmeldung hat woanders begonnen
failure-other-browser-what = Die Seite wurde in einem anderen Browser geöffnet als dem, in dem die Anmeldung begonnen hat, oder dieser Browser nimmt unsere Cookies nicht an.
failure-other-browser-next = Beginnen Sie in diesem Browser noch einmal bei der App und erlauben Sie Cookies für diese Website.
failure-form-rejected-title = Wir konnten nicht sicher sein, dass das von Ihnen kam
failure-form-rejected-what = Das Formular war zu lange geöffnet, oder eine andere Website hat es gesendet. Es wurde nichts geändert.
failure-not-found-title = Diese Seite gibt es nicht
failure-not-found-what = Vielleicht ist die Adresse falsch geschrieben, oder die Seite besteht nicht mehr.
failure-not-found-next = Prüfen Sie die Adresse oder gehen Sie zurück zu der App, von der Sie gekommen sind.
failure-method-not-allowed-title = So lässt sich diese Seite nicht benutzen
failure-method-not-allowed-what = Die Anfrage ist von einer Art, die diese Adresse nicht annimmt.
failure-too-large-title = Das war zu viel auf einmal
failure-too-large-what = Die Anfrage ist größer, als diese Seite annimmt.
failure-unsupported-form-title = Dieses Formular ist nicht lesbar
failure-unsupported-form-what = Es kam in einem Format an, das diese Seite nicht annimmt.
failure-too-many-requests-title = Zu viele Versuche
failure-too-many-requests-what = Es gab in kurzer Zeit zu viele Anfragen, deshalb machen wir eine Pause.
failure-too-many-requests-next =
    { $count ->
        [one] Warten Sie eine Minute und versuchen Sie es dann noch einmal.
       *[other] Warten Sie { $count } Minuten und versuchen Sie es dann noch einmal.
    }
failure-busy-title = Gerade melden sich sehr viele Menschen an
failure-busy-what = Für einen Moment können wir niemanden mehr annehmen. Es geht nichts verloren.
failure-unavailable-title = Die Anmeldung ist zurzeit nicht möglich
failure-unavailable-what = Ein Teil dieses Dienstes antwortet nicht. Wahrscheinlich arbeiten wir schon daran.
failure-internal-title = Etwas ist schiefgegangen
failure-internal-what = Wegen eines Fehlers auf unserer Seite konnten wir Ihre Anfrage nicht abschließen.
failure-tenant-unknown-title = Unter dieser Adresse ist niemand zu finden
failure-tenant-unknown-what = Hier meldet keine Organisation ihre Leute an. Vielleicht ist die Adresse falsch geschrieben.
failure-tenant-suspended-title = Die Anmeldung ist abgeschaltet
failure-tenant-suspended-what = Die Anmeldung dieser Organisation ist zurzeit ausgesetzt.
