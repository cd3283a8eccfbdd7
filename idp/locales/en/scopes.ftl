# What a client may do with a scope: completes "… will be able to:".
scope-openid = Know that it’s you
scope-openid-detail = By an identifier that stays the same each time you sign in
scope-profile = See your profile
scope-profile-detail = Your name, picture and similar details
scope-email = See your email address
scope-email-detail = And whether it has been verified
scope-address = See your postal address
scope-address-detail = As it is kept in your account
scope-phone = See your phone number
scope-phone-detail = And whether it has been verified
scope-offline-access = Stay connected when you’re away
scope-offline-access-detail = Until you withdraw this or sign out everywhere
scope-other = Use { $scope }
scope-other-detail = The app’s maker can tell you what this is for
