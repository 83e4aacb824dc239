extension FrontPage {
    /// Read by the template `front`.
    var fragment: Fragment {
        [
            "frame": .frame("A merge server", .elsewhere, nil), "version": .text(version),
            "review": .text(Addresses.list), "contract": "/openapi.yaml", "health": "/readyz",
        ]
    }
}
