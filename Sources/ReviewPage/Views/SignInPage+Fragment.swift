extension SignInPage {
    /// What the template `sign-in` reads.
    var fragment: Fragment {
        [
            "frame": .frame("Sign in", .elsewhere, nil), "user": .name(user), "tenant": .name(tenant),
            "code": .text(code), "action": .text(Addresses.signIn),
        ]
    }
}

extension NoticePage {
    /// What the template `notice` reads.
    var fragment: Fragment {
        var fragment = content
        if case .text(let title)? = fragment["title"] {
            fragment["frame"] = .frame(title, .elsewhere, session, goingOnTo: next)
        }
        if let provider { fragment["provider"] = .text(provider) }
        return fragment
    }

    /// Where the browser goes on by itself; nil for a page that stays.
    private var next: String? {
        if case .signedIn(let path) = notice { PagePath(path)?.text ?? Addresses.list } else { nil }
    }

    private var content: Fragment {
        switch notice {
        case .signedOut(let path):
            [
                "title": "You are not signed in", "isHowTo": true,
                "words": "If you have just followed a link from a mail or a chat, this may be all it takes:",
                "link": "Try again", "address": .text(PagePath(path)?.text ?? Addresses.list),
            ]
        case .linkSpent:
            [
                "title": "This link cannot be used any more", "isHowTo": true,
                "words": "A link signs in once, and only for a short while.",
            ]
        case .justSignedOut: ["title": "You are signed out", "isHowTo": true, "words": "Until next time."]
        case .forbidden:
            [
                "title": "Not for this role", "words": "You are signed in, but not as somebody who reviews conflicts.",
                "link": "To the conflicts", "address": .text(Addresses.list),
            ]
        case .notFound:
            [
                "title": "There is nothing here",
                "words": "The conflict or page does not exist, or not for this tenant.",
                "link": "To the conflicts", "address": .text(Addresses.list),
            ]
        case .unreadable(let reason):
            [
                "title": "This could not be read", "words": "Nothing was changed.", "reason": .name(reason),
                "link": "To the conflicts", "address": .text(Addresses.list),
            ]
        case .trouble(let requestID):
            [
                "title": "Something is wrong on our side",
                "words":
                    "What you just did may not be done, or only in part. Look again in a moment, and do what is missing once more: nothing is done twice.",
                "link": "To the conflicts",
                "address": .text(Addresses.list), "requestID": .name(requestID),
            ]
        case .signedIn(let path):
            [
                "title": "You are signed in", "words": "Your browser goes on by itself. If it does not:",
                "link": "Go on", "address": .text(PagePath(path)?.text ?? Addresses.list),
            ]
        case .attemptOver:
            [
                "title": "This sign-in cannot be finished",
                "words":
                    "It took longer than ten minutes, is finished already, or was begun in another window. Nobody was signed in by it.",
            ]
        case .declined:
            [
                "title": "Your provider did not sign you in",
                "words": "It was broken off there, or you may not use this service. Nobody was signed in.",
            ]
        case .providerAway:
            [
                "title": "Your provider cannot be asked",
                "words": "It does not answer, or not as it should. Try again in a moment.",
            ]
        case .providerBusy:
            [
                "title": "Too many sign in at once", "words": "Load this page again in a minute.",
            ]
        case .noReviewer:
            [
                "title": "Not for this role",
                "words":
                    "Your provider says who you are, and not that you review conflicts here. Somebody who looks after the tenant can change that.",
            ]
        case .choice(let choices):
            [
                "title": "For whom do you review?", "words": "You review for several tenants. Choose one:",
                "choices": .list(
                    choices.map { ["name": .name($0.name), "address": .text($0.address)] }),
            ]
        }
    }
}
