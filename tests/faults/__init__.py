"""What the server must survive: kills, clients that hang up, failing disks, slow and hostile clients, changed rows."""
