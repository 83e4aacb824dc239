extension FrontPage {
    /// What the template `front` reads.
    var fragment: Fragment {
        [
            "frame": .frame("A merge server", .elsewhere, nil), "version": .text(version),
            "review": .text(Addresses.list), "contract": "/openapi.yaml", "health": "/readyz",
        ]
    }
}
