"""How long by road: from an OpenStreetMap extract to a graph, its speeds, and seconds between places."""
