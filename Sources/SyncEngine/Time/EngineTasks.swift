/// How the engine begins work that goes on beside whoever asked for it. Injected, so that tests and the simulator decide in
/// which order things happen.
public struct EngineTasks: Sendable {
    /// Begins work that nobody waits for. Never does any of it before it returns.
    public let start: @Sendable (@escaping @Sendable () async -> Void) -> Void

    public init(start: @escaping @Sendable (@escaping @Sendable () async -> Void) -> Void) { self.start = start }

    /// Each piece of work in a task of its own, on Swift's threads.
    public static let system = EngineTasks { work in Task { await work() } }
}
