import Causality
import SyncStorage
import SyncWire
import Synchronization

/// What is read because something was told of: each thing once, for all whom it woke.
final class WakeRound: Sendable {
    /// What of the tenant's news the readings of this round have seen at least.
    let version: UInt64
    /// The devices that wait for the tenant.
    let devices: Set<DeviceID>
    /// Those of the devices that were retired.
    let retired = SharedRead<Set<DeviceID>>()
    let head = SharedRead<TenantHead>()

    private struct Weak {
        weak var page: SharedRead<ChangesAnswer>?
    }

    private struct Pages {
        /// A page is kept by those who get it, and not beyond.
        var read: [ChangeQuery: Weak] = [:]
        /// But those who find nothing will wait again, and some of them come late.
        var empty: [SharedRead<ChangesAnswer>] = []
    }

    private let pages = Mutex(Pages())

    init(version: UInt64, devices: Set<DeviceID>) {
        self.version = version
        self.devices = devices
    }

    /// The one reading of a query.
    func page(_ query: ChangeQuery) -> SharedRead<ChangesAnswer> {
        pages.withLock { pages in
            if let page = pages.read[query]?.page { return page }
            let page = SharedRead<ChangesAnswer>()
            pages.read[query] = Weak(page: page)
            return page
        }
    }

    /// Keeps a page in which nothing was for those who come later in the round.
    func keep(_ page: SharedRead<ChangesAnswer>) {
        pages.withLock { pages in
            if !pages.empty.contains(where: { $0 === page }) { pages.empty.append(page) }
        }
    }
}

/// A reading that many wait for and that is done once: by the first who asks for it.
final class SharedRead<Answer: Sendable>: Sendable {
    private let reading = Mutex<Task<Result<Answer, Problem>, Never>?>(nil)

    /// - Parameter read: done in a task of its own, so that it does not end with the one who happened to ask first.
    func value(
        _ read: @escaping @Sendable () async throws(Problem) -> Answer
    ) async throws(Problem) -> Answer {
        let task = reading.withLock { reading in
            if let reading { return reading }
            let new = Task { () async -> Result<Answer, Problem> in
                do throws(Problem) {
                    return .success(try await read())
                } catch {
                    return .failure(error)
                }
            }
            reading = new
            return new
        }
        return try await task.value.get()
    }
}
