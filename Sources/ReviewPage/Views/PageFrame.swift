/// What stands around every page.
struct PageFrame {
    enum Place {
        case list
        case conflict
        case bulk
        case summary
        case sessions
        case elsewhere
    }

    let title: String
    let place: Place
    let session: ReviewSession?
    /// Where the browser goes on by itself; nil for a page that stays.
    var next: String?

    /// What the templates `page-top` and `page-bottom` read.
    var fragment: Fragment {
        var fragment: Fragment = [
            "title": .text(title),
            "style": .text(ReviewAsset.style.address), "script": .text(ReviewAsset.script.address),
            "icon": .text(ReviewAsset.icon.address),
        ]
        if let next { fragment["next"] = .text("0; url=" + next) }
        if let session {
            fragment["session"] = .fragment([
                "user": .name(session.user), "tenant": .name(session.tenant), "csrf": .text(session.csrf),
                "list": .text(Addresses.list), "summary": .text(Addresses.summary),
                "signOut": .text(Addresses.signOut), "isList": .flag(place == .list),
                "isSummary": .flag(place == .summary), "sessions": .text(Addresses.sessions),
                "isSessions": .flag(place == .sessions),
            ])
        }
        return fragment
    }
}

extension Fragment.Node {
    static func frame(
        _ title: String, _ place: PageFrame.Place, _ session: ReviewSession?, goingOnTo next: String? = nil
    ) -> Fragment.Node {
        .fragment(PageFrame(title: title, place: place, session: session, next: next).fragment)
    }
}
