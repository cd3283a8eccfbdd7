# Each failure has a title, what happened and what to do next. Whose fault it is: one of four sentences.
fault-app = The app that sent you here made this mistake. You did nothing wrong.
fault-service = This is our mistake. You did nothing wrong.
fault-reader = You can put this right yourself, in this browser.
fault-nobody = Nobody did anything wrong.

failure-next = What to do now
failure-facts = For whoever looks into it
fact-parameter = Parameter
fact-code = Error code
fact-detail = Details
fact-reference = Reference

next-tell-app-maker = Go back to the app and try again. If it happens again, tell its maker, with the details below.
next-start-again = Go back to the app and start signing in again.
next-wait-seconds =
    { $count ->
        [one] Wait a second, then load this page again.
       *[other] Wait { $count } seconds, then load this page again.
    }
next-tell-operator = Try again in a little while. If it happens again, tell the people who run this service, with the reference below.
next-ask-operator = Ask the people who run this service.

failure-unknown-client-title = We don’t know this app
failure-unknown-client-what = The app that sent you here isn’t registered with us, so we stopped here.
failure-client-disabled-title = This app is switched off
failure-client-disabled-what = The app that sent you here isn’t allowed to sign anyone in at the moment.
failure-redirect-uri-missing-title = The app didn’t say where to go back to
failure-redirect-uri-missing-what = The address to return to after signing in is missing. To keep your account safe, we stopped here.
failure-redirect-uri-mismatch-title = The app asked to go back to an unknown address
failure-redirect-uri-mismatch-what = The address to return to after signing in isn’t one that is registered for this app. To keep your account safe, we stopped here.
failure-id-token-hint-missing-title = The app didn’t prove who it is
failure-id-token-hint-missing-what = The app wants you to go back to it after signing out, but the proof that it is that app is missing. You’re still signed in.
failure-id-token-hint-invalid-title = The app’s proof can’t be used
failure-id-token-hint-invalid-what = The app that sent you here to sign out didn’t prove that it is an app of yours. You’re still signed in.
failure-post-logout-redirect-uri-mismatch-title = The app asked to go back to an unknown address
failure-post-logout-redirect-uri-mismatch-what = The address to return to after signing out isn’t one that is registered for this app. You’re still signed in.
failure-invalid-request-title = The app’s request can’t be used
failure-invalid-request-what = The app that sent you here asked for something in a way that we don’t understand or don’t allow.
failure-flow-unknown-title = This sign‑in has expired
failure-flow-unknown-what = It was open for too long, or the link was copied only in part.
failure-other-browser-title = This sign‑in was started somewhere else
failure-other-browser-what = The page was opened in another browser than the one that started the sign-in, or this browser doesn’t accept our cookies.
failure-other-browser-next = Start again from the app in this browser, and allow cookies for this site.
failure-form-rejected-title = We couldn’t be sure that this came from you
failure-form-rejected-what = The form was open for too long, or another site sent it. Nothing was changed.
failure-not-found-title = This page doesn’t exist
failure-not-found-what = The address may be mistyped, or the page is gone.
failure-not-found-next = Check the address, or go back to the app that you came from.
failure-method-not-allowed-title = This page can’t be used this way
failure-method-not-allowed-what = The request that came in is of a kind that this address doesn’t take.
failure-too-large-title = That was too much at once
failure-too-large-what = The request is larger than this page takes.
failure-unsupported-form-title = This form can’t be read
failure-unsupported-form-what = It came in a format that this page doesn’t take.
failure-too-many-requests-title = Too many attempts
failure-too-many-requests-what = There were too many requests in a short time, so we pause for a while.
failure-too-many-requests-next =
    { $count ->
        [one] Wait a minute, then try again.
       *[other] Wait { $count } minutes, then try again.
    }
failure-busy-title = Many people are signing in right now
failure-busy-what = We can’t take any more for a moment. Nothing is lost.
failure-unavailable-title = Signing in isn’t possible right now
failure-unavailable-what = A part of this service doesn’t answer. We are most likely working on it already.
failure-internal-title = Something went wrong
failure-internal-what = We couldn’t finish what you asked for because of an error on our side.
failure-tenant-unknown-title = There is nobody at this address
failure-tenant-unknown-what = No organisation signs its people in here. The address may be mistyped.
failure-tenant-suspended-title = Signing in is switched off
failure-tenant-suspended-what = This organisation’s sign-in is suspended at the moment.
