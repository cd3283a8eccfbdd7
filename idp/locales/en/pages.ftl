# The language itself: its own name for itself, and the direction it is written in (ltr or rtl).
language-name = English
language-direction = ltr

# On every page
language-switch = Language
opens-new-tab = (opens in a new tab)
error-prefix = Error:
error-summary-title = There is a problem
privacy-policy = Privacy policy
terms-of-service = Terms of service
client-links = About { $client }

# Sign in
sign-in-title = Sign in
sign-in-lead = Use your { $brand } account to continue to { $client }
sign-in-account-lead = Use your { $brand } account to see and change what is kept in it
sign-in-again-title = Sign in again
sign-in-again-lead = { $client } asks that you prove it’s still you, { $person }
sign-in-again-account-lead = This change needs proof that it’s still you, { $person }
sign-in-login = Email or username
sign-in-password = Password
sign-in-submit = Sign in
sign-in-cancel = Cancel
sign-in-no-account = New here?
sign-in-sign-up = Create an account
show-password = Show password
hide-password = Hide password

sign-in-bad-credentials = The email, username or password isn’t right. Check them and try again.
sign-in-missing-login = Enter your email or username
sign-in-missing-password = Enter your password
sign-in-too-many-attempts =
    { $minutes ->
        [one] There were too many attempts to sign in. Wait a minute, then try again.
       *[other] There were too many attempts to sign in. Wait { $minutes } minutes, then try again.
    }
sign-in-busy = Many people are signing in right now. Wait a moment, then try again.
sign-in-expired = This page was open for too long. Enter your password again.

# Sign up
sign-up-title = Create an account
sign-up-lead = Make a { $brand } account to continue to { $client }
sign-up-account-lead = With it, you sign in to the apps of { $brand }
sign-up-email = Email
sign-up-name = Name
sign-up-optional = (optional)
sign-up-password = Password
sign-up-password-hint = At least 8 characters. A few words that don’t belong together are good.
sign-up-submit = Create account
sign-up-have-account = Do you have an account?
sign-up-sign-in = Sign in
sign-up-missing-email = Enter your email address
sign-up-malformed-email = Enter an email address like name@example.com
sign-up-taken = No account can be made with this email address. Use another address, or sign in.
sign-up-name-unfit = Enter a name of at most 255 characters
sign-up-missing-password = Choose a password
sign-up-password-too-short = Choose a password of at least 8 characters
sign-up-password-too-long = Choose a password of at most 128 characters
sign-up-password-guessable = This password is easy to guess. Choose a longer or less common one, without your name or email address in it.
sign-up-too-many-attempts =
    { $minutes ->
        [one] There were too many attempts to create an account from here. Wait a minute, then try again.
       *[other] There were too many attempts to create an account from here. Wait { $minutes } minutes, then try again.
    }
sign-up-busy = Many people are signing in right now. Wait a moment, then try again.

# Account chooser
select-account-title = Choose an account
select-account-lead = Which account do you want to use with { $client }?
select-account-account-lead = Which account do you want to look after?
select-account-other = Use another account

# The way back to the app by a form
form-post-title = You’re on your way back
form-post-lead-site = If nothing happens, continue to { $host } yourself
form-post-lead-app = If nothing happens, continue to the app on this device yourself
form-post-submit = Continue

# Consent
consent-title = Allow access?
consent-lead = { $client } would like to use your { $brand } account
consent-signed-in-as = Signed in as
consent-switch-account = Use another account
consent-scopes = { $client } will be able to:
consent-new = New
consent-allow = Allow
consent-deny = Don’t allow
consent-returns-to-site = Either way, you go back to { $host }
consent-returns-to-app = Either way, you go back to the app on this device

# Sign out
logout-title = Sign out?
logout-lead = You’re about to sign out of { $brand }
logout-lead-client = { $client } asks whether you want to sign out of { $brand }
logout-which = Which account?
logout-all = All accounts in this browser
logout-yes = Sign out
logout-no = Stay signed in
logout-returns-to-site = After signing out, you go back to { $host }
logout-returns-to-app = After signing out, you go back to the app on this device
logout-frames-title = You’re signed out
logout-frames-lead = You’re being signed out of your apps as well. This takes a few seconds at most.
logout-frame = Sign-out at { $client }

# Messages
landing-title = { $brand }
landing-lead = You sign in to your apps here. There is nothing to do on this page: open the app you want to use, and it will bring you back when it needs you.
signed-in-title = You’re signed in
signed-in-lead = You’re signed in as { $person }. You can close this page, or open the app you want to use.
signed-in-account = Manage your account
signed-out-title = You’re signed out
signed-out-lead = You have signed out of { $brand }. You can close this page.
flow-finished-title = This sign-in is already finished
flow-finished-lead = You have used this page before, so there is nothing left to do. Go back to the app. If it asks you to sign in, start again there.
back-to-client = Go back to { $client }
