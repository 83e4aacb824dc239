import ArgumentParser
import Logging
import MergeCore
import SyncEngine
import SyncHTTP

/// What `serve` and `doctor` are told.
struct ServerOptions: ParsableArguments {
    @OptionGroup var database: DatabaseOptions

    @Option(help: "The address to listen on. (default: 127.0.0.1; REJOIN_HOST)")
    var host: String?

    @Option(help: "The port to listen on, 0 for a free one. (default: 8080; REJOIN_PORT)")
    var port: Int?

    @Option(help: "A YAML file that declares collections; without it every collection is taken. (REJOIN_COLLECTIONS)")
    var collections: String?

    @Option(help: "A JSON Web Key Set to verify tokens with, instead of the server's own key. (REJOIN_JWKS)")
    var jwks: String?

    @Option(help: "A PEM public key (RSA, P-256, Ed25519) to verify tokens with. (REJOIN_PUBLIC_KEY)")
    var publicKey: String?

    @Option(
        help: "What 'iss' of a token has to be; goes with --jwks and --public-key, and is needed there. (REJOIN_ISSUER)"
    )
    var issuer: String?

    @Option(
        help:
            "What 'aud' of a token has to name; goes with --jwks and --public-key, and is needed there. (REJOIN_AUDIENCE)"
    )
    var audience: String?

    @Option(
        help: """
            Seconds by which the clocks of who signs tokens and of this server may differ. (default: 60, with the server's own \
            key 0; REJOIN_TOKEN_LEEWAY)
            """)
    var tokenLeeway: Int?

    @Option(help: "Requests that one device may make in a second. (default: 50; REJOIN_REQUESTS_PER_SECOND)")
    var requestsPerSecond: Int?

    @Option(
        help: """
            Bytes that the batches of one device may cost in a second: their bodies, what they write and their answers. \
            (default: 4194304; REJOIN_BYTES_PER_SECOND)
            """)
    var bytesPerSecond: Int?

    @OptionGroup var tls: TLSOptions

    @OptionGroup var transport: TransportOptions

    @Option(help: "Long polls and streams that one device may hold open. (default: 16; REJOIN_READERS_PER_DEVICE)")
    var readersPerDevice: Int?

    @Option(help: "Long polls and streams that one tenant may hold open. (default: 2000; REJOIN_READERS_PER_TENANT)")
    var readersPerTenant: Int?

    @Option(
        help: """
            A site whose pages may ask with scripts, such as https://app.example; given once for each, or '*' for any. \
            (REJOIN_ALLOW_ORIGIN, separated by commas)
            """)
    var allowOrigin: [String] = []

    @Option(
        help: """
            Devices that one user may register, for tokens that name none; retired ones do not count. \
            (default: 20; REJOIN_DEVICES_PER_USER)
            """)
    var devicesPerUser: Int?

    @Option(help: "trace, debug, info, notice, warning, error or critical. (default: info; REJOIN_LOG_LEVEL)")
    var logLevel: String?
}

/// What is in force, and why.
struct ServerSettings: Sendable {
    let data: Setting<String>
    let directory: DataDirectory
    let database: Setting<Database>
    let host: Setting<String>
    let port: Setting<Int>
    let collections: Setting<String>?
    let jwks: Setting<String>?
    let publicKey: Setting<String>?
    let issuer: Setting<String>?
    let audience: Setting<String>?
    let tokenLeeway: Setting<Int>
    /// `auth` of the settings file, which stands for the five before it.
    let identity: Setting<IdentitySettings>?
    let logLevel: Setting<Logger.Level>
    /// The requests of one device, averaged over ten seconds.
    let requestsPerSecond: Setting<Int>
    /// The bytes of one device's batches, averaged over ten seconds.
    let bytesPerSecond: Setting<Int>
    let tls: TLSSettings
    let transport: TransportSettings
    let readersPerDevice: Setting<Int>
    let readersPerTenant: Setting<Int>
    let allowedOrigins: Setting<AllowedOrigins>
    let devicesPerUser: Setting<Int>

    init(_ options: ServerOptions) throws(CommandFailure) {
        let common = options.database.common
        let settings = try SettingsResolution(config: common.config)
        data = settings.text(.data, common.data, default: DataDirectory.standardPath)
        directory = DataDirectory(settings, common)
        database = try Database.named(options.database, settings)
        host = settings.text(.host, options.host, default: "127.0.0.1")
        port = try settings.integer(.port, options.port, in: 0...65_535, default: 8080)
        collections = settings.text(.collections, options.collections)
        jwks = settings.text(.jwks, options.jwks)
        publicKey = settings.text(.publicKey, options.publicKey)
        issuer = settings.text(.issuer, options.issuer)
        audience = settings.text(.audience, options.audience)
        identity = settings.identity
        if let identity {
            for (name, given) in [
                (SettingName.jwks, options.jwks), (.publicKey, options.publicKey), (.issuer, options.issuer),
                (.audience, options.audience), (.tokenLeeway, options.tokenLeeway.map(String.init)),
            ] where settings.text(name, given) != nil {
                throw .cannotStart(
                    "'auth' says whose tokens are taken (\(identity.source.text)); '\(name.rawValue)' has no place "
                        + "beside it")
            }
        }
        let isSignedElsewhere = jwks != nil || publicKey != nil
        tokenLeeway = try settings.integer(
            .tokenLeeway, options.tokenLeeway, in: 0...3600,
            default: isSignedElsewhere ? TokenRequirements.standardLeewaySeconds : 0)
        requestsPerSecond = try settings.integer(
            .requestsPerSecond, options.requestsPerSecond, in: 1...1_000_000,
            default: EngineLimits().requestsPerSecondPerDevice)
        bytesPerSecond = try settings.integer(
            .bytesPerSecond, options.bytesPerSecond, in: 1_024...1_000_000_000_000,
            default: EngineLimits().bytesPerSecondPerDevice)
        tls = try TLSSettings(options.tls, settings)
        transport = try TransportSettings(options.transport, settings)
        readersPerDevice = try settings.integer(
            .readersPerDevice, options.readersPerDevice, in: 1...100_000, default: EngineLimits().readersPerDevice)
        readersPerTenant = try settings.integer(
            .readersPerTenant, options.readersPerTenant, in: 1...1_000_000, default: EngineLimits().readersPerTenant)
        let origins = settings.text(
            .allowOrigin, options.allowOrigin.isEmpty ? nil : options.allowOrigin.joined(separator: ","), default: "")
        let named = origins.value.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        switch AllowedOrigins.reading(named) {
        case .success(let allowed): allowedOrigins = Setting(value: allowed, source: origins.source)
        case .failure(let refused):
            throw .cannotStart(
                "allow-origin: '\(refused.text)' is no origin such as https://app.example, or stands beside others "
                    + "(\(origins.source.text))")
        }
        devicesPerUser = try settings.integer(
            .devicesPerUser, options.devicesPerUser, in: 1...100_000, default: EngineLimits().devicesPerUser)
        let level = settings.text(.logLevel, options.logLevel, default: "info")
        guard let parsed = Logger.Level(rawValue: level.value) else {
            throw .cannotStart("'\(level.value)' is no log level (\(level.source.text))")
        }
        logLevel = Setting(value: parsed, source: level.source)
        if jwks != nil, publicKey != nil { throw .cannotStart("give either 'jwks' or 'public-key', not both") }
        for (name, setting) in [("issuer", issuer), ("audience", audience)] {
            if isSignedElsewhere, setting?.value.isEmpty ?? true {
                // A provider signs tokens for many: without it, one for another service would be good here.
                throw .cannotStart(
                    "'jwks' and 'public-key' need '\(name)': what a token's '\(name.prefix(3))' has to be")
            }
            if !isSignedElsewhere, setting != nil {
                throw .cannotStart(
                    "'\(name)' goes with 'jwks' or 'public-key'; the server's own key signs for nobody else")
            }
        }
    }
}
