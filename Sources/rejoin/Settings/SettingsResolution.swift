import ArgumentParser
import Foundation

/// Options that more than one command takes.
struct CommonOptions: ParsableArguments {
    @Option(help: "The data directory. (default: ./rejoin-data; REJOIN_DATA)")
    var data: String?

    @Option(
        help: """
            The file with the key that signs tokens and that cookies and cursors come from, instead of signing.key in the data \
            directory. The same at every server on one database. (REJOIN_SIGNING_KEY)
            """)
    var signingKey: String?

    @Option(help: "A YAML file with options, below the environment and the command line. (REJOIN_CONFIG)")
    var config: String?
}

/// Finds the value of an option: the command line before the environment before the settings file before the default.
struct SettingsResolution: Sendable {
    private let environment: [String: String]
    private let file: SettingsFile?

    init(
        config: String?, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(CommandFailure) {
        self.environment = environment
        if let path = config ?? environment["REJOIN_CONFIG"] {
            file = try SettingsFile(path: path)
        } else {
            file = nil
        }
    }

    /// Whose tokens are taken. It stands in the settings file alone.
    var identity: Setting<IdentitySettings>? {
        file.flatMap { file in file.identity.map { Setting(value: $0, source: .file(file.path)) } }
    }

    func text(_ name: SettingName, _ given: String?) -> Setting<String>? {
        if let given { return Setting(value: given, source: .commandLine) }
        if let value = environment[name.environmentName] {
            return Setting(value: value, source: .environment(name.environmentName))
        }
        if let file, let value = file[name] { return Setting(value: value, source: .file(file.path)) }
        return nil
    }

    func text(_ name: SettingName, _ given: String?, default standard: String) -> Setting<String> {
        text(name, given) ?? Setting(value: standard, source: .standard)
    }

    func integer(
        _ name: SettingName, _ given: Int?, in bounds: ClosedRange<Int>, default standard: Int
    ) throws(CommandFailure) -> Setting<Int> {
        guard let found = text(name, given.map(String.init)) else { return Setting(value: standard, source: .standard) }
        guard let number = Int(found.value), bounds.contains(number) else {
            throw .cannotStart(
                "'\(name.rawValue)' is a whole number from \(bounds.lowerBound) to \(bounds.upperBound), not "
                    + "'\(found.value)' (\(found.source.text))")
        }
        return Setting(value: number, source: found.source)
    }
}
