extension PageMessage {
    private enum Tone: String {
        case good
        case warning
        case bad
    }

    /// What the template `message` reads.
    var fragment: Fragment {
        let (tone, title, words) = content
        return [
            "tone": .text(tone.rawValue), "title": .text(title), "words": words.map { .sentence($0) },
            "role": .text(tone == .good ? "status" : "alert"),
        ]
    }

    private var content: (tone: Tone, title: String, words: Sentence?) {
        switch self {
        case .decided: (.good, "Decided.", "The decision is in the record and on its way to every device.")
        case .decidedAlready: (.good, "Decided.", "It had been decided the same way already; nothing changed.")
        case .commented: (.good, "Comment added.", nil)
        case .assigned(let user): (.good, "Assigned.", "This conflict is \(name: user)’s to decide now.")
        case .unassigned: (.good, "Assigned to nobody.", nil)
        case .conflictChanged:
            (
                .warning, "This conflict has changed.",
                "A side joined or left it while you looked. Nothing was decided: here is how it stands now, with what you had entered."
            )
        case .recordChanged:
            (
                .warning, "The record has changed.",
                "Somebody wrote to it while you looked. Nothing was decided: here is how it stands now, with what you had entered."
            )
        case .decidedOtherwise(let user):
            (.warning, "Already decided otherwise.", "\(name: user) was first. Your decision was not taken.")
        case .refused(let reason):
            (.bad, "This could not be done.", "\(name: reason)")
        case .unavailable:
            (.bad, "Not done: the server is busy or out of reach.", "Nothing was changed. Try again in a moment.")
        case .formExpired:
            (
                .bad, "Not done: this form was of an earlier session.",
                "What you entered is still here; send it once more."
            )
        }
    }
}
