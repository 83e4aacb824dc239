import SyncStorage

/// One law that every `SyncStore` keeps. A test runner runs all of them over each engine.
public struct StorageLaw: Sendable, CustomStringConvertible {
    /// The law in words. A number in front is that of the edge case that the law answers (docs/edge-cases.md).
    public let name: String
    /// Runs the law on stores of one engine. Where the engine breaks it, this throws a ``Violation``, or the error of
    /// the store that the law did not expect.
    public let check: @Sendable (StoreFactory) async throws -> Void

    init(_ name: String, _ check: @escaping @Sendable (StoreFactory) async throws -> Void) {
        self.name = name
        self.check = check
    }

    public var description: String { name }

    /// All laws.
    public static let all: [StorageLaw] =
        transactionLaws + faultLaws + feedLaws + selectionLaws + operationLaws + knownOperationLaws + conflictLaws
        + auditLaws
        + sharingLaws + tenancyLaws
        + deviceLaws + oneTimeCodeLaws + accessLaws + administrationLaws + fidelityLaws
}

/// Makes the stores of one engine on which laws are run.
public struct StoreFactory: Sendable {
    private let make: @Sendable (StoreProbe?) async throws -> any SyncStore
    private let reopen: (@Sendable (any SyncStore) async throws -> any SyncStore)?

    /// Takes an engine's way to make stores.
    /// - Parameters:
    ///   - make: makes a store with no data, which no other store shares. It calls the probe, where it gets one, before
    ///     each step that reads or writes.
    ///   - reopen: closes a store and opens its data again; nil where data does not outlive the store.
    public init(
        make: @escaping @Sendable (StoreProbe?) async throws -> any SyncStore,
        reopen: (@Sendable (any SyncStore) async throws -> any SyncStore)? = nil
    ) {
        self.make = make
        self.reopen = reopen
    }

    /// Runs a law's body on a fresh store and closes it.
    func withStore(
        probe: StoreProbe? = nil, _ body: (any SyncStore) async throws -> Void
    ) async throws {
        let store = try await make(probe)
        do {
            try await body(store)
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }

    /// The same data in a store that was closed and opened in between; the store itself where it is not durable.
    func reopened(_ store: any SyncStore) async throws -> any SyncStore {
        try await reopen?(store) ?? store
    }

    var isDurable: Bool { reopen != nil }
}

/// The error of a law that does not hold. Its `description` says what was expected and what was found.
public struct Violation: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

func expect(_ truth: Bool, _ law: @autoclosure () -> String) throws {
    if !truth { throw Violation(law()) }
}

func expectEqual<Found: Equatable>(
    _ found: Found, _ expected: Found, _ subject: @autoclosure () -> String
) throws {
    if found != expected { throw Violation("\(subject()): expected \(expected), found \(found)") }
}

/// - Returns: the error, so that a law can look at it.
@discardableResult
func expectStoreError(_ subject: String, _ body: () async throws -> Void) async throws -> StoreError {
    do {
        try await body()
    } catch let error as StoreError {
        return error
    }
    throw Violation("\(subject): expected an error, found none")
}
