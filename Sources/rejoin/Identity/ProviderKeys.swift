import AsyncHTTPClient
import Foundation
import MergeCore
import NIOCore
import StrictJSON
import SyncHTTP
import Values

/// Gets keys from where an issuer has them.
///
/// Only addresses from the settings are asked, and the one that such an answer gives. Nothing of a token is in them.
enum ProviderKeys {
    /// Key sets have some thousand bytes.
    private static let maximumBytes = 1024 * 1024
    /// Who asks for a key that is new waits for this.
    private static let timeLimit = Duration.seconds(10)
    /// After this a provider that has taken away a key is believed, though nobody named another one.
    private static let refreshedAfterMilliseconds: Int64 = 10 * 60 * 1000
    /// Providers limit how often they are asked, for all that ask from one address.
    private static let leastMillisecondsBetweenRequests: Int64 = 30_000

    static func source(of issuer: IdentitySettings.Issuer) -> KeySource {
        switch issuer.keys {
        case .file(let path):
            KeySource(place: path) {
                await TextFile.read(path).map { .success(TokenKey(text: $0)) }
                    ?? .failure(KeySource.Unreadable("the file cannot be read"))
            }
        case .address(let address):
            remote(address.url.absoluteString) { () throws(KeySource.Unreadable) in
                .keySet(try await text(at: address))
            }
        case .discovery:
            remote("discovery of \(issuer.name)") { () throws(KeySource.Unreadable) in
                .keySet(try await text(at: try await discovered(issuer.name)))
            }
        }
    }

    private static func remote(
        _ place: String, _ read: @escaping @Sendable () async throws(KeySource.Unreadable) -> TokenKey
    ) -> KeySource {
        KeySource(
            place: place, schedule: .olderThan(milliseconds: refreshedAfterMilliseconds),
            leastMillisecondsBetweenReadings: leastMillisecondsBetweenRequests
        ) {
            do throws(KeySource.Unreadable) {
                return .success(try await read())
            } catch {
                return .failure(error)
            }
        }
    }

    /// Where the issuer says that its keys are.
    private static func discovered(_ issuer: String) async throws(KeySource.Unreadable) -> KeyAddress {
        guard let place = KeyAddress.discovery(of: issuer) else {
            throw KeySource.Unreadable("'\(issuer)' is no address")
        }
        let answer = try await text(at: place)
        guard case .object(let document)? = try? Value(json: answer) else {
            throw KeySource.Unreadable("what \(place.url) answers is no JSON object")
        }
        // A document that speaks of somebody else says nothing of this issuer (section 4.3).
        guard document["issuer"] == .string(issuer) else {
            throw KeySource.Unreadable("\(place.url) tells of another issuer than '\(issuer)'")
        }
        guard case .string(let text)? = document["jwks_uri"], let address = KeyAddress(text.text),
            address.url.scheme == "https" || place.isOwn
        else { throw KeySource.Unreadable("\(place.url) has no 'jwks_uri' that is an https address") }
        return address
    }

    /// What an address answers: at once, without being led elsewhere, and within bounds.
    private static func text(at address: KeyAddress) async throws(KeySource.Unreadable) -> String {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout = .init(connect: .seconds(5), read: .seconds(5))
        configuration.httpVersion = .http1Only
        // Keys are asked for every ten minutes at most, so nothing is kept open for the next time.
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let answer: Result<String, KeySource.Unreadable>
        do {
            answer = .success(try await withTimeLimit { try await get(address, client) })
        } catch let error as KeySource.Unreadable {
            answer = .failure(error)
        } catch {
            answer = .failure(KeySource.Unreadable("\(address.url) does not answer: \(error)"))
        }
        try? await client.shutdown()
        return try answer.get()
    }

    private static func get(_ address: KeyAddress, _ client: HTTPClient) async throws -> String {
        var request = HTTPClientRequest(url: address.url.absoluteString)
        request.headers.add(name: "Accept", value: "application/json")
        request.headers.add(name: "User-Agent", value: "rejoin/\(rejoinVersion)")
        let response = try await client.execute(request, timeout: .seconds(10))
        guard response.status == .ok else {
            throw KeySource.Unreadable("\(address.url) answers \(response.status.code)")
        }
        let body: ByteBuffer
        do {
            body = try await response.body.collect(upTo: maximumBytes)
        } catch is NIOTooManyBytesError {
            throw KeySource.Unreadable("\(address.url) answers more than \(maximumBytes) bytes")
        }
        guard let text = String(validating: body.readableBytesView, as: UTF8.self) else {
            throw KeySource.Unreadable("what \(address.url) answers is no UTF-8")
        }
        return text
    }

    /// The client's own time limit ends with the head of an answer. A body may not come for ever either.
    private static func withTimeLimit(_ body: @escaping @Sendable () async throws -> String) async throws -> String {
        try await withThrowingTaskGroup(of: String.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: timeLimit)
                throw KeySource.Unreadable("it took longer than \(timeLimit.components.seconds) seconds")
            }
            defer { group.cancelAll() }
            return try await group.next() ?? ""
        }
    }
}

/// A text file that may be read while the server runs.
enum TextFile {
    /// - Returns: nil for a file that cannot be read.
    static func read(_ path: String) async -> String? {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(returning: try? String(contentsOfFile: path, encoding: .utf8))
            }
        }
    }
}
