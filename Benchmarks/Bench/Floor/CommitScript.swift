import LoadDriver

/// A pgbench script that runs the statements of a real commit: the same texts in the same two round trips, over rows of the
/// same sizes.
///
/// pgbench's variables are texts, so a large column travels as one text and is taken apart by `string_to_array`, which costs
/// the database about what reading a binary array does and a third of what `{"…","…"}` would; ids and numbers, which differ
/// in every transaction, are put together from a variable.
struct CommitScript {
    let text: String
    /// The variables that `--define` sets.
    let variables: [String: String]

    /// Whose records pgbench's clients write.
    enum Tenants {
        /// Each its own: `first` and the client's number.
        case apart(first: Int)
        case one(Int)
    }

    /// Stands between the elements of a column. JSON texts and ids do not contain it.
    private static let separator = "\u{1F}"

    init(_ statements: [CapturedStatement], of sample: Sample, tenants: Tenants) throws {
        var large: [String: String] = [:]
        var lines = Self.head(tenants)
        var isWriting = false
        lines.append("\\startpipeline")
        for statement in statements {
            // The commit reads all that it needs in its first round trip, and writes in its second.
            if !isWriting, statement.sql.hasPrefix("INSERT") || statement.sql.hasPrefix("UPDATE") {
                isWriting = true
                lines += ["\\endpipeline", "\\startpipeline"]
            }
            lines.append(try Self.filledIn(statement, sample, &large) + ";")
        }
        lines.append("\\endpipeline")
        text = lines.joined(separator: "\n") + "\n"
        variables = large
    }

    /// The numbers of this transaction. `n` goes on from one to the next; its start is given from outside.
    private static func head(_ tenants: Tenants) -> [String] {
        let tenant =
            switch tenants {
            case .apart(let first): "\(first) + :client_id"
            case .one(let tenant): "\(tenant)"
            }
        return [
            "\\set n :n + 1",
            "\\set tenant \(tenant)",
            "\\set record \(Bench.firstRecord(client: 0)) + :client_id * \(Bench.recordsApart)"
                + " + (:n % \(Sample.windows)) * \(Sample.operations)",
            "\\set operation \(Bench.firstNumber(client: 0)) + :client_id * \(Bench.numbersApart)"
                + " + :n * \(Sample.operations)",
            "\\set batch \(Bench.firstNumber(client: 0)) + :client_id * \(Bench.numbersApart) + :n",
            // Clients of one tenant do not know each other's numbers: each has its own range.
            "\\set sequence 10000000000 + :client_id * 1000000000 + :n * \(Sample.operations)",
            "\\set counter :n + 2",
        ]
    }

    private static func filledIn(
        _ statement: CapturedStatement, _ sample: Sample, _ large: inout [String: String]
    ) throws -> String {
        var failure: (any Error)?
        let text = statement.sql.replacing(/\$(\d+)(::[a-z]+(?:\[\])?)/) { match in
            guard let index = Int(match.1), statement.parameters.indices.contains(index - 1) else { return "?" }
            do {
                let name = "\(statement.name.replacing(/[^a-z]/, with: "_"))_\(index)"
                return try expression(
                    statement.parameters[index - 1], type: String(match.2), name: name, sample, &large)
            } catch {
                failure = error
                return "?"
            }
        }
        if let failure { throw failure }
        return text
    }

    private static func expression(
        _ value: String?, type: String, name: String, _ sample: Sample, _ large: inout [String: String]
    ) throws -> String {
        guard let value else { return "NULL\(type)" }
        switch type {
        case "::text":
            let role = sample.role(ofText: value)
            return role == .constant ? literal(value, type, name, &large) : "(\(text(role)))\(type)"
        case "::bigint":
            let role = Int(value).map { sample.role(ofInteger: $0) } ?? .constant
            return role == .constant ? literal(value, type, name, &large) : "(\(number(role)))"
        case "::text[]":
            let elements = try ArrayText.elements(value)
            let roles = elements.map { $0.map { sample.role(ofText: $0) } ?? .constant }
            if roles.contains(.constant) {
                guard value.utf8.count > 1_000 || value.contains(":") else { return literal(value, type, name, &large) }
                large[name] = elements.map { $0 ?? "" }.joined(separator: separator)
                return "string_to_array(:\(name)::text, E'\\x1F')"
            }
            return "ARRAY[\(roles.map { text($0) }.joined(separator: ", "))]\(type)"
        case "::bigint[]":
            let elements = try ArrayText.elements(value)
            let roles = elements.map { $0.flatMap { Int($0) }.map { sample.role(ofInteger: $0) } ?? .constant }
            if roles.contains(.constant) { return literal(value, type, name, &large) }
            return "ARRAY[\(roles.map { number($0) }.joined(separator: ", "))]\(type)"
        default: return literal(value, type, name, &large)
        }
    }

    /// A value that is the same in every commit. A colon would be the beginning of a variable.
    private static func literal(
        _ value: String, _ type: String, _ name: String, _ large: inout [String: String]
    ) -> String {
        if value.contains(":") || value.utf8.count > 1_000 {
            large[name] = value
            return ":\(name)\(type)"
        }
        return "'\(value.replacing("'", with: "''"))'\(type)"
    }

    private static func text(_ role: Sample.Role) -> String {
        switch role {
        case .tenant: ":tenant::text"
        case .record(let index): Identifiers.sql(.record, ":record::bigint + \(index)")
        case .operation(let index): Identifiers.sql(.operation, ":operation::bigint + \(index)")
        case .batch: Identifiers.sql(.batch, ":batch::bigint")
        case .sequence, .ordinal, .counter, .constant: number(role)
        }
    }

    private static func number(_ role: Sample.Role) -> String {
        switch role {
        case .sequence(let index), .ordinal(let index): ":sequence::bigint + \(index)"
        case .counter: ":counter::bigint"
        case .tenant, .record, .operation, .batch, .constant: "NULL"
        }
    }
}
