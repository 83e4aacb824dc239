import Browser
import Foundation

/// Pictures of the pages: made by the tests that show them anyway, so that somebody can look at all of them after a run.
enum Screenshots {
    static let directory: URL = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let wanted = ProcessInfo.processInfo.environment["REJOIN_SCREENSHOTS"].map { URL(filePath: $0) }
        return wanted ?? root.appending(path: ".build/review-screenshots")
    }()

    static func keep(_ picture: Data, as name: String) throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        try picture.write(to: directory.appending(path: name + ".png"))
    }
}

extension BrowserWindow {
    /// Keeps a picture of the whole page under what it shows.
    func photograph(_ name: String) async throws {
        try Screenshots.keep(try await pictureOfWholePage(), as: name)
    }

    /// The same of the part that is in the window, for what lies above the page.
    func photographView(_ name: String) async throws {
        try Screenshots.keep(try await picture(), as: name)
    }
}
