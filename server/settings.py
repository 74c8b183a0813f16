"""Django's settings. What a person may change lies in the data directory (config.py), not here."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from collectors.seal import MAX_SEALED
from server.config import Data
from server.database import databases

HERE = Path(__file__).parent
DATA = Data.here()
CONFIG = DATA.config()

DEBUG = False
SECRET_KEY = DATA.key()
ALLOWED_HOSTS = [*CONFIG.hosts]
ROOT_URLCONF = "server.urls"
WSGI_APPLICATION = "server.wsgi.application"
APPEND_SLASH = True

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "axes",
    "ninja",
    "django_tasks",
    "django_tasks_db",
    "server.units",
    "server.ingest",
    "server.assess",
    "server.findings",
    "server.configurations",
    "server.stations",
    "server.coverage",
    "server.enrolment",
    "server.programs",
    "server.analysts",
    "server.people",
    "server.signon",
    "server.relays",
    "server.schedules",
    "server.approvals",
    "server.waivers",
    "server.assignments",
    "server.calendar",
    "server.differences",
    "server.filters",
    "server.campaigns",
    "server.registers",
    "server.documents",
    "server.evidence",
    "server.journal",
    "server.outlets",
    "server.background",
    "server.storage",
    "server.feeds",
    "server.feeds.matching",
    "server.sweeps",
    "server.search",
    "server.web",
]

MIDDLEWARE = [
    "server.web.middleware.Proxy",
    "server.web.middleware.Headers",
    "server.ingest.admission.Admission",
    "server.relays.middleware.Sealed",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "server.web.middleware.Language",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "server.web.middleware.LogOnRequired",
    "server.people.sessions.Idle",
    "server.signon.sessions.Ends",
    "server.web.middleware.MustChangePassword",
    "server.people.sessions.MustHaveSecondFactor",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "server.web.context.shell",
            ],
        },
    }
]

DATABASES = databases(DATA, CONFIG)
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# People
AUTH_USER_MODEL = "units.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
if CONFIG.ldap:
    AUTHENTICATION_BACKENDS.append("server.signon.directory.Directory")
PASSWORD_HASHERS = ["server.units.passwords.Argon2"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["username", "full_name"]},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "log-on"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "log-on"
# By name and address together: a stranger elsewhere cannot lock the administrator out by guessing.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "server.units.views.locked_out"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

SESSION_COOKIE_NAME = "rasoat_session"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "rasoat_csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "server.web.views.csrf_failure"

# Transport
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = CONFIG.https
SECURE_HSTS_SECONDS = 31_536_000 if CONFIG.https else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if CONFIG.behind_tls_proxy else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_SEALED
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000  # a campaign is a form of many boxes: checks, units
FILE_UPLOAD_HANDLERS = ["server.web.uploads.Bounded"]

# Languages
LANGUAGE_CODE = "vi"
LANGUAGES = [("vi", "Tiếng Việt"), ("en", "English")]
LANGUAGE_COOKIE_NAME = "rasoat_language"
LANGUAGE_COOKIE_AGE = 31_536_000
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LOCALE_PATHS = [HERE / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Ho_Chi_Minh"
FORMAT_MODULE_PATH = "server.web.formats"

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 3600

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "ERROR"},
        "axes": {"level": "WARNING"},
        "django_auth_ldap": {"level": "ERROR"},  # its warnings hold what was typed as a name
        "django_tasks": {"level": "WARNING"},
        "django_tasks_db": {"level": "WARNING"},
    },
}
