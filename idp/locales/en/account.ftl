# The account console: what is around each page
account-skip = Skip to the content
account-navigation = Your account
account-menu = Account:
account-signed-in-as = Signed in as
account-add = Use another account
account-overview = Overview
account-profile = Profile
account-password = Password
account-sessions = Devices
account-applications = Applications
account-save = Save
account-pages = More of this list
account-pages-first = Back to the first
account-pages-next = Show more

account-notice-profile-saved = Your profile is saved.
account-notice-password-changed = Your password is changed. You’re signed out everywhere else.
account-notice-device-signed-out = The device is signed out.
account-notice-others-signed-out = You’re signed out everywhere else.
account-notice-withdrawn = Access is withdrawn. The application gets it again only from you.

# Overview
account-overview-title = Your account
account-overview-lead = Everything about { $person } at { $brand }
account-overview-profile = Your name, how to reach you, and what applications may learn of it
account-overview-password = A new one, when you want or have to
account-overview-sessions = Where you’re signed in, and signing out there
account-overview-applications = Which applications you let into your account, and what they may do

# Profile
account-profile-lead = What you enter here is told to the applications that you allow to see it. Leave empty what you don’t want to say.
account-profile-signing-in = Signing in
account-profile-signing-in-hint = To change these, ask the people who run this service.
account-profile-name = Name
account-profile-about = About you
account-profile-address = Address
account-profile-region = Language and region
account-profile-stale = Your profile was changed elsewhere while this page was open. Check what is marked below, then save again to replace it.
account-profile-stored = Elsewhere this was changed to “{ $value }”
account-profile-stored-empty = Elsewhere this was emptied
account-email = Email
account-username = Username
account-verified = Verified
account-not-verified = Not verified

account-claim-name = Full name
account-claim-given-name = Given name
account-claim-middle-name = Middle name
account-claim-family-name = Family name
account-claim-nickname = Nickname
account-claim-birthdate = Date of birth
account-claim-gender = Gender
account-claim-picture = Address of a picture of you
account-claim-profile = Address of your profile page
account-claim-website = Address of your website
account-claim-phone-number = Phone number
account-claim-street-address = Street and house number
account-claim-postal-code = Postal code
account-claim-locality = Town or city
account-claim-region = State or province
account-claim-country = Country
account-claim-locale = Language
account-claim-zoneinfo = Time zone

account-hint-name = As applications show it to others
account-hint-birthdate = Such as 1990-12-31, or the year alone
account-hint-phone-number = With the country’s code, such as +44 20 7946 0018
account-hint-locale = Its code, such as en-GB
account-hint-zoneinfo = Such as Europe/London

account-wrong-text = { $field }: use at most 255 characters, on one line
account-wrong-lines = { $field }: use at most 1,000 characters
account-wrong-web-address = { $field }: enter a web address that begins with https://
account-wrong-birthdate = { $field }: enter year, month and day, such as 1990-12-31
account-wrong-phone-number = { $field }: enter the number with its country’s code, such as +44 20 7946 0018
account-wrong-locale = { $field }: enter the code of a language, such as en-GB
account-wrong-zoneinfo = { $field }: enter a time zone, such as Europe/London

# Password
account-password-title = Change your password
account-password-lead = A password that is long and used nowhere else keeps your account safe. After the change you stay signed in here, and are signed out everywhere else.
account-password-current = Current password
account-password-new = New password
account-password-again = New password once more
account-password-hint = At least 8 characters. Several words are easy to remember and hard to guess.
account-password-submit = Change password
account-password-missing-current = Enter your current password
account-password-missing-new = Enter a new password
account-password-missing-again = Enter the new password once more
account-password-wrong = The current password isn’t right
account-password-different = The new password was entered in two different ways
account-password-too-short = The new password has fewer than 8 characters
account-password-too-long = The new password has more than 128 characters
account-password-guessable = The new password is easy to guess. Choose one that isn’t common and has nothing to do with you or this service.

# Devices
account-sessions-lead = You’re signed in on these devices. Sign out wherever you don’t recognise it, then change your password.
account-sessions-only = You’re signed in nowhere else.
account-sessions-more = There are more than these.
account-device = { $browser } on { $system }
account-device-app = An app
account-device-unknown = Unknown device
account-this-device = This device
account-session-active = Last active
account-session-started = Signed in
account-session-address = Address
account-session-method = How
account-method-password = Password
account-sign-out = Sign out
account-sign-out-of = Sign out: { $device }
account-end-others = Sign out everywhere else
account-end-others-title = Sign out everywhere else?
account-end-others-lead = You stay signed in on this device alone
account-end-others-lost = You’ll be signed out here:
account-end-others-keeps = Whoever uses one of them has to sign in again. Applications that may work while you’re away keep their access: you can withdraw it at Applications.
account-end-others-submit = Sign out everywhere else
account-end-others-cancel = Stay signed in

# Applications
account-applications-lead = These may use your account without asking you again.
account-applications-none = No application has access
account-applications-none-next = When an application may use your account also while you’re away, it is listed here.
account-application-since = Access since
account-application-may = What { $client } may do
account-application-off = Switched off
account-withdraw = Withdraw
account-withdraw-from = Withdraw access from { $client }
account-withdraw-title = Withdraw access?
account-withdraw-lead = { $client } loses its access to your account at once, on every device
account-withdraw-lost = { $client } will no longer be able to:
account-withdraw-keeps = What it has stored itself stays there. If you use it again, it has to ask you again.
account-withdraw-keeps-own = What it has stored itself stays there. It gets access again only if you use it again.
account-withdraw-submit = Withdraw access
account-withdraw-cancel = Keep access

# Points in time
moment-now = just now
moment-minutes =
    { $count ->
        [one] 1 minute ago
       *[other] { $count } minutes ago
    }
moment-hours =
    { $count ->
        [one] 1 hour ago
       *[other] { $count } hours ago
    }
moment-days =
    { $count ->
        [one] 1 day ago
       *[other] { $count } days ago
    }
moment-exact = { $date }, { $time } UTC
moment-date = { $day } { $month ->
        [1] January
        [2] February
        [3] March
        [4] April
        [5] May
        [6] June
        [7] July
        [8] August
        [9] September
        [10] October
        [11] November
       *[12] December
    } { $year }
