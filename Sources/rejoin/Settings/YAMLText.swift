import Yams

/// A YAML text, read into its nodes.
enum YAMLText {
    /// Why a text is no YAML, in one line. The library's own description quotes the text over several.
    struct SyntaxError: Error {
        let message: String
    }

    /// - Returns: nil for an empty text.
    static func root(of text: String) throws(SyntaxError) -> Node? {
        do {
            return try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw SyntaxError(message: line(error))
        } catch {
            throw SyntaxError(message: "it cannot be read")
        }
    }

    private static func line(_ error: YamlError) -> String {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "line \(mark.line), column \(mark.column): \(problem)"
        case .duplicatedKeysInMapping(let names, let context):
            "line \(context.mark.line): '\(names.joined(separator: "', '"))' is there twice"
        case .reader(let problem, _, _, _), .writer(let problem), .emitter(let problem), .representer(let problem):
            problem
        case .no, .memory, .dataCouldNotBeDecoded: "it cannot be read"
        }
    }
}
