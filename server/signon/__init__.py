"""Log-on of people by the organisation's own means: an OpenID Connect provider, or an LDAP directory such as Active Directory."""
