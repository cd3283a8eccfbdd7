# Was ein Client mit einem Scope darf: setzt „… darf dann:“ fort.
scope-openid = Wissen, dass Sie es sind
scope-openid-detail = Anhand einer Kennung, die bei jeder Anmeldung gleich bleibt
scope-profile = Ihr Profil sehen
scope-profile-detail = Ihren Namen, Ihr Bild und ähnliche Angaben
scope-email = Ihre E-Mail-Adresse sehen
scope-email-detail = Und ob sie bestätigt ist
scope-address = Ihre Postanschrift sehen
scope-address-detail = So, wie sie in Ihrem Konto steht
scope-phone = Ihre Telefonnummer sehen
scope-phone-detail = Und ob sie bestätigt ist
scope-offline-access = Auch in Ihrer Abwesenheit verbunden bleiben
scope-offline-access-detail = Bis Sie das zurücknehmen oder sich überall abmelden
scope-other = { $scope } nutzen
scope-other-detail = Wofür das gut ist, weiß der Hersteller der App
