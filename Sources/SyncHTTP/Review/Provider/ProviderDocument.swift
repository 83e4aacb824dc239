/// Where the provider answers, as it was read a while ago.
///
/// Anybody may have this asked, so the provider is not: what is known is good for ten minutes, and what could not be read is not
/// asked for again at once.
actor ProviderDocument {
    private static let knownForMilliseconds: Int64 = 10 * 60 * 1000
    private static let restMilliseconds: Int64 = 10_000

    private let discover: @Sendable () async -> Result<ProviderSignIn.Endpoints, ProviderSignIn.Failure>
    private var known: ProviderSignIn.Endpoints?
    private var knownSinceMilliseconds: Int64 = 0
    private var failure: ProviderSignIn.Failure?
    private var failedAtMilliseconds: Int64 = 0
    private var reading: Task<Result<ProviderSignIn.Endpoints, ProviderSignIn.Failure>, Never>?

    init(_ provider: ProviderSignIn) { discover = provider.discover }

    /// Where the provider answers. While it is away, what was known is good.
    func endpoints(nowMilliseconds now: Int64) async -> Result<ProviderSignIn.Endpoints, ProviderSignIn.Failure> {
        if let known, now - knownSinceMilliseconds < Self.knownForMilliseconds { return .success(known) }
        if reading == nil, let failure, now - failedAtMilliseconds < Self.restMilliseconds {
            return known.map { .success($0) } ?? .failure(failure)
        }
        let task = reading ?? Task { await discover() }
        reading = task
        let answer = await task.value
        reading = nil
        switch answer {
        case .success(let endpoints):
            (known, knownSinceMilliseconds, failure) = (endpoints, now, nil)
            return answer
        case .failure(let error):
            (failure, failedAtMilliseconds) = (error, now)
            return known.map { .success($0) } ?? answer
        }
    }
}
