import Foundation
import Yams

/// Options from a YAML file: one scalar a line, by the option's name; and `auth`, which is no scalar.
struct SettingsFile: Sendable {
    let path: String
    private let values: [SettingName: String]
    /// Whose tokens are taken; nil where the file does not say.
    let identity: IdentitySettings?

    /// - Throws: a failure that names the file and what in it is wrong.
    init(path: String) throws(CommandFailure) {
        self.path = path
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw .cannotStart("cannot read the settings file \(path)")
        }
        let root: Node?
        do {
            root = try YAMLText.root(of: text)
        } catch {
            throw .cannotStart("the settings file \(path) is no YAML: \(error.message)")
        }
        var values: [SettingName: String] = [:]
        var identity: IdentitySettings?
        if let root {
            guard let mapping = root.mapping else {
                throw .cannotStart("the settings file \(path) is a list of 'option: value' lines")
            }
            for (key, value) in mapping {
                let name = key.string ?? ""
                if name == "auth" {
                    do throws(YAMLReadingError) {
                        identity = try IdentitySettings(value)
                    } catch {
                        throw .cannotStart("the settings file \(path): \(error.message)")
                    }
                    continue
                }
                guard let setting = SettingName(rawValue: name) else {
                    let known = SettingName.allCases.map(\.rawValue).joined(separator: ", ") + ", auth"
                    throw .cannotStart("the settings file \(path) names '\(name)', which is no option (\(known))")
                }
                guard let text = value.scalar?.string else {
                    throw .cannotStart("the settings file \(path) gives '\(name)' something other than one value")
                }
                values[setting] = text
            }
        }
        self.values = values
        self.identity = identity
    }

    subscript(name: SettingName) -> String? { values[name] }
}
