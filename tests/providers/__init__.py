"""OpenID providers that others wrote, as processes of their own, and a gateway that signs in with them."""
