import Causality
import MergeCore
import SyncStorage

/// A view for each declared collection, with a typed column a field, so that people can ask their data in plain SQL.
///
/// The views stand in a schema of their own and read with the rights of whoever asks (`security_invoker`), so that the
/// policies on the tenant hold for people too. The views are derived; to make them again is always safe.
public struct CollectionViews: Sendable {
    public static let schemaName = "rejoin_views"

    /// Why a view cannot be made.
    public struct NamingError: Error, Sendable, Hashable {
        public let message: String
    }

    /// The names of the views, in order.
    public let names: [String]
    /// The statements that make them, for people to read or to run.
    public let script: String

    /// - Throws: where a name is longer than PostgreSQL's 63 bytes, which it would cut without a word.
    public init(_ schema: Schema) throws(NamingError) {
        var statements = ["CREATE SCHEMA IF NOT EXISTS \(Self.schemaName);"]
        var names: [String] = []
        for (name, rules) in schema.collections.sorted(by: { $0.key < $1.key }) {
            let view = try CollectionView(name: name.text, rules: rules)
            statements.append(view.script)
            names.append("\(Self.schemaName).\(view.quotedName)")
        }
        self.names = names
        script = statements.joined(separator: "\n\n") + "\n"
    }
}

/// The view of one collection.
private struct CollectionView {
    let quotedName: String
    let script: String

    /// The columns that every view has beside the fields. A field of the same name gets an underscore.
    private static let ownColumns = [
        ("tenant", "r.tenant"), ("id", "r.id"), ("sequence", "r.sequence"),
        ("changed_at", "to_timestamp(r.changed_at / 1000.0)"), ("edited_at", "to_timestamp(r.stamp / 1000.0)"),
        ("open_conflicts", "r.open_conflicts"),
    ]

    init(name: String, rules: CollectionRules) throws(CollectionViews.NamingError) {
        quotedName = try Self.identifier(name)
        var columns = Self.ownColumns.map { "\($0.1) AS \($0.0)" }
        var taken = Set(Self.ownColumns.map(\.0))
        if let fields = rules.fields {
            for (field, rule) in fields.sorted(by: { $0.key < $1.key }) {
                var column = field.text
                while !taken.insert(column).inserted { column += "_" }
                columns.append("\(Self.expression(field.text, rule.type)) AS \(try Self.identifier(column))")
            }
        } else {
            columns.append("parsed.fields AS fields")
        }
        let view = "\(CollectionViews.schemaName).\(quotedName)"
        script = """
            DROP VIEW IF EXISTS \(view);
            CREATE VIEW \(view) WITH (security_invoker = true) AS
            SELECT
                \(columns.joined(separator: ",\n    "))
            FROM rejoin.records r
            CROSS JOIN LATERAL (SELECT r.fields::json AS fields) AS parsed
            WHERE r.collection = \(Self.literal(name)) AND NOT r.deleted AND NOT r.purged;
            """
    }

    /// The value as its declared type. A value of another type (it was stored before the declaration) is NULL, so that
    /// one old record does not spoil the view.
    private static func expression(_ field: String, _ type: FieldType) -> String {
        let json = "parsed.fields -> \(literal(field))"
        let text = "parsed.fields ->> \(literal(field))"
        func typed(_ jsonType: String, _ pattern: String? = nil, as type: String) -> String {
            let matches = pattern.map { " AND \(text) ~ \(literal($0))" } ?? ""
            return "CASE WHEN json_typeof(\(json)) = '\(jsonType)'\(matches) THEN (\(text))::\(type) END"
        }
        return switch type {
        case .string: typed("string", as: "text")
        case .integer: typed("number", "^-?[0-9]{1,19}$", as: "bigint")
        case .number: typed("number", as: "double precision")
        case .boolean: typed("boolean", as: "boolean")
        case .timestamp: typed("string", "^(?!0000)[0-9]{4}-", as: "timestamptz")
        case .uuid: typed("string", "^[0-9a-fA-F-]{36}$", as: "uuid")
        case .set: typed("array", as: "jsonb")
        case .json: "(\(json))::jsonb"
        }
    }

    /// Writes a name as in PostgreSQL documentation, "Identifiers and Key Words": doubled quotes, and at most
    /// NAMEDATALEN − 1 bytes.
    private static func identifier(_ name: String) throws(CollectionViews.NamingError) -> String {
        guard name.utf8.count <= 63 else {
            throw CollectionViews.NamingError(message: "'\(name)' is longer than the 63 bytes of a name in PostgreSQL")
        }
        return "\"" + name.replacing("\"", with: "\"\"") + "\""
    }

    /// Writes a text as in the same documentation, "String Constants": doubled quotes; backslashes mean themselves
    /// (standard_conforming_strings).
    private static func literal(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }
}

extension PostgreSQLStore {
    /// Makes the views, as the role that will own them.
    public static func create(
        _ views: CollectionViews, in conninfo: Conninfo, options: Options = Options()
    ) async throws(StoreError) {
        try await onOneSession(conninfo, options) { (session: Session) throws(StoreError) in
            try session.run(script: "BEGIN; \(views.script) COMMIT;", called: "create views")
        }
    }

    /// Runs a piece of work on a session of its own, for commands that come and go.
    static func onOneSession<Answer: Sendable>(
        _ conninfo: Conninfo, _ options: Options, _ body: @escaping @Sendable (Session) throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        let threads = SessionThreads(options: options) { () throws(StoreError) in
            try Session(conninfo, options: options).configured(options)
        }
        let result: Result<Answer, StoreError>
        do throws(StoreError) {
            result = .success(try await threads.run(probe: nil, body))
        } catch {
            result = .failure(error)
        }
        await threads.close()
        return try result.get()
    }
}
