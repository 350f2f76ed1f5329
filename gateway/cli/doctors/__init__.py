"""What `gateway doctor` looks at: one module a subject. Nothing here is told a secret that it would print."""
