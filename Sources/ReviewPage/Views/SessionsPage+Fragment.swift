extension SessionsPage {
    /// What the template `sessions` reads.
    var fragment: Fragment {
        [
            "frame": .frame("Your sessions", .sessions, session), "csrf": .text(session.csrf),
            "action": .text(Addresses.endSessions), "hasOthers": .flag(rows.contains { !$0.isThis }),
            "sessions": .list(rows.map { $0.fragment(csrf: session.csrf) }),
        ]
    }
}

extension SessionsPage.Row {
    fileprivate func fragment(csrf: String) -> Fragment {
        [
            "id": .text(id), "browser": .name(browser.isEmpty ? "unknown" : browser), "isThis": .flag(isThis),
            "began": .fragment(TimeText(milliseconds: beganAtMilliseconds).fragment),
            "ends": .fragment(TimeText(milliseconds: expiresAtMilliseconds).fragment),
            "way": .text(way == .link ? "a link" : "your provider"), "csrf": .text(csrf),
            "action": .text(Addresses.endSessions),
        ]
    }
}
