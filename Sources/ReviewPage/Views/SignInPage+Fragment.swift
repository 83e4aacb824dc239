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
        if case .text(let title)? = fragment["title"] { fragment["frame"] = .frame(title, .elsewhere, session) }
        return fragment
    }

    private var content: Fragment {
        switch notice {
        case .signedOut(let path):
            [
                "title": "You are not signed in", "isHowTo": true,
                "words": "If you have just followed a link from a mail or a chat, this may be all it takes:",
                "link": "Try again", "address": .text(Self.own(path)),
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
        }
    }

    /// A path of these pages. It is nothing that a browser would take for another place or another scheme.
    private static func own(_ path: String) -> String {
        let isOwn =
            path.utf8.elementsEqual("/review".utf8) || path.utf8.starts(with: "/review/".utf8)
            || path.utf8.starts(with: "/review?".utf8)
        let isPlain = path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }
        return isOwn && isPlain ? path : Addresses.list
    }
}
