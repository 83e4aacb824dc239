import Causality
import MergeCore
import StrictJSON
import SyncStorage
import Values

/// How far a tenant's feed has come, of which readers may not have heard.
struct FeedAdvance: Sendable, Hashable {
    /// The tenant's last sequence.
    var sequence: Int64
    /// The collections of the records that changed; nil where that is not known.
    var collections: Set<ExactString>?

    /// Both as one.
    func joined(with other: FeedAdvance) -> FeedAdvance {
        FeedAdvance(
            sequence: max(sequence, other.sequence),
            collections: collections.flatMap { known in other.collections.map { known.union($0) } })
    }
}

/// What other servers are told of tenants.
///
/// A payload is a JSON object: tenants' names to what is new of each, such as
/// `{"acme":{"collections":["notes"],"sequence":12}}` and `{"acme":{"accessEnded":true}}`.
enum TenantNews {
    /// PostgreSQL takes less than 8,000 bytes a notification.
    static let payloadBytes = 7_500
    /// The bytes of names of collections beyond which it is not told which they were.
    static let collectionBytes = 512

    /// The payload that says that somebody's access to the tenant has ended.
    static func accessEnded(of tenant: TenantID) -> String {
        Value.object([(tenant.name, .object([("accessEnded", .boolean(true))]))]).canonicalText
    }

    /// How far feeds have come, in as few payloads as hold that.
    static func payloads(_ advances: [TenantID: FeedAdvance]) -> [String] {
        var payloads: [String] = []
        var members: [(ExactString, Value)] = []
        var size = 0
        for (tenant, advance) in advances {
            var news: [(ExactString, Value)] = [("sequence", .integer(advance.sequence))]
            // A character takes at most six bytes in JSON for each byte that it has.
            var bytes = tenant.name.text.utf8.count * 6 + 64
            if let names = advance.collections {
                let nameBytes = names.reduce(0) { $0 + $1.text.utf8.count * 6 + 3 }
                if nameBytes <= collectionBytes {
                    news.append(("collections", .array(names.sorted().map { .string($0) })))
                    bytes += nameBytes
                }
            }
            if size + bytes > payloadBytes, !members.isEmpty {
                payloads.append(Value.object(members).canonicalText)
                (members, size) = ([], 0)
            }
            members.append((tenant.name, .object(news)))
            size += bytes
        }
        if !members.isEmpty { payloads.append(Value.object(members).canonicalText) }
        return payloads
    }

    /// - Returns: `missed` for what cannot be read: another version of the server may say it otherwise.
    static func notifications(in payload: String) -> [ChangeNotification] {
        guard case .object(let object)? = try? JSONParser().parse(Array(payload.utf8)) else { return [.missed] }
        return object.members.flatMap { member -> [ChangeNotification] in
            guard case .object(let news) = member.value else { return [.missed] }
            let tenant = TenantID(member.name)
            var notifications: [ChangeNotification] = []
            if news["accessEnded"] == .boolean(true) { notifications.append(.accessEnded(tenant)) }
            if case .integer(let sequence)? = news["sequence"] {
                var collections: Set<ExactString>?
                if case .array(let names)? = news["collections"] {
                    collections = Set(names.compactMap { if case .string(let name) = $0 { name } else { nil } })
                }
                notifications.append(.advanced(tenant, sequence: sequence, collections: collections))
            }
            return notifications.isEmpty ? [.missed] : notifications
        }
    }
}
