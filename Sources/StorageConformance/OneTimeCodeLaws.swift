import Causality
import SyncStorage

private let tenant = TenantID("tenant")
private let now: Int64 = 1_700_000_000_000
/// The time at which all that had expired by `now` is forgotten.
private let afterwards = now + OneTimeCode.rememberedMilliseconds + 1

extension OneTimeCode {
    /// A code of this id that has a minute left, at `now`.
    static func sample(_ id: ExactString, expiring milliseconds: Int64 = now + 60_000) throws -> OneTimeCode {
        guard let code = OneTimeCode(id: id, expiresAtMilliseconds: milliseconds) else {
            throw Violation("no code: \(id)")
        }
        return code
    }
}

extension StorageLaw {
    static let oneTimeCodeLaws = [
        StorageLaw("a one-time code is spent once, and each tenant's codes are its own") { factory in
            try await factory.withStore { store in
                let code = try OneTimeCode.sample("code")
                try expectEqual(try await store.spend(tenant, code, nowMilliseconds: now), true, "the first time")
                try expectEqual(try await store.spend(tenant, code, nowMilliseconds: now), false, "again")
                // Nobody gets a second try by naming another time of expiry.
                let longer = try OneTimeCode.sample("code", expiring: now + 120_000)
                try expectEqual(try await store.spend(tenant, longer, nowMilliseconds: now), false, "with another time")
                try expectEqual(try await store.spend("other", code, nowMilliseconds: now), true, "another tenant's")
                try expectEqual(try await store.spend("other", code, nowMilliseconds: now), false, "again there")
                // Ids are bytes. The next two are one to the eye and to Unicode.
                for id in ["\u{E9}", "e\u{301}", "Code", "code "] as [ExactString] {
                    let found = try await store.spend(tenant, try .sample(id), nowMilliseconds: now)
                    try expectEqual(found, true, "another spelling, '\(id)'")
                }
            }
        },
        StorageLaw("of fifty callers who bring a one-time code at once, one is the first") { factory in
            try await factory.withStore { store in
                let code = try OneTimeCode.sample("code")
                for tenant in [tenant, "another"] {
                    let answers = try await withThrowingTaskGroup(of: Bool.self) { group in
                        for _ in 0..<50 {
                            group.addTask { try await store.spend(tenant, code, nowMilliseconds: now) }
                        }
                        return try await group.reduce(into: []) { $0.append($1) }
                    }
                    try expectEqual(answers.filter { $0 }.count, 1, "callers of \(tenant) who were the first")
                }
            }
        },
        StorageLaw("a one-time code that was spent stays spent when the store is opened again") { factory in
            guard factory.isDurable else { return }
            try await factory.withStore { first in
                let code = try OneTimeCode.sample("code")
                try expectEqual(try await first.spend(tenant, code, nowMilliseconds: now), true, "the first time")
                let second = try await factory.reopened(first)
                try expectEqual(try await second.spend(tenant, code, nowMilliseconds: now), false, "afterwards")
                await second.close()
            }
        },
        StorageLaw("a one-time code that is expired is never spent, and not for want of being remembered") { factory in
            try await factory.withStore { store in
                for late in [0, 1, 60_000] as [Int64] {
                    let code = try OneTimeCode.sample("late", expiring: now - late)
                    try expectEqual(try await store.spend(tenant, code, nowMilliseconds: now), false, "\(late) ms late")
                }
                // Nor was it noted: the same id with a time that is to come is new.
                try expectEqual(
                    try await store.spend(tenant, try .sample("late", expiring: now + 1), nowMilliseconds: now), true,
                    "in time")
                // A server whose clock is ahead takes nothing away that counts on one whose clock is right.
                let other = try OneTimeCode.sample("other", expiring: afterwards + 1)
                try expectEqual(
                    try await store.spend(tenant, other, nowMilliseconds: afterwards - 1), true, "ahead of the clocks")
                try expectEqual(
                    try await store.spend(tenant, try .sample("late", expiring: now + 1), nowMilliseconds: now), false,
                    "behind that clock")
            }
        },
        StorageLaw("one-time codes that expired long ago are forgotten, the oldest first and so many at once at most") {
            factory in
            try await factory.withStore { store in
                let bound = OneTimeCode.forgottenAtOnce
                let codes = try (0..<bound + 20).map { number in
                    // Their expiry does not follow their ids.
                    try OneTimeCode.sample(
                        ExactString("code \((number * 7) % (bound + 20))"), expiring: now - 1_000 + Int64(number))
                }
                for code in codes {
                    try expectEqual(
                        try await store.spend(tenant, code, nowMilliseconds: now - 2_000), true, "\(code.id)")
                }
                try expectEqual(try await store.spend("other", codes[0], nowMilliseconds: now - 2_000), true, "other's")
                // A code that comes twice cleans up as well.
                let late = try OneTimeCode.sample("late", expiring: afterwards + 1)
                for isFirst in [true, false] {
                    try expectEqual(
                        try await store.spend(tenant, late, nowMilliseconds: afterwards), isFirst, "a late one")
                    let kept = isFirst ? codes.suffix(20) : []
                    for code in kept {
                        try expectEqual(
                            try await store.spend(tenant, code, nowMilliseconds: now - 2_000), false,
                            "\(code.id), one of the youngest")
                    }
                }
                for code in codes {
                    // They are new to a clock that stands far behind.
                    try expectEqual(
                        try await store.spend(tenant, code, nowMilliseconds: now - 2_000), true, "\(code.id), forgotten"
                    )
                }
                try expectEqual(
                    try await store.spend(tenant, late, nowMilliseconds: now), false, "what has not expired")
                try expectEqual(
                    try await store.spend("other", codes[0], nowMilliseconds: now - 2_000), false, "another tenant's")
            }
        },
    ]
}
