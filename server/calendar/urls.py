from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.urls import path

from server.calendar import feed, saying, views

urlpatterns = [
    path("calendar/", views.calendar, name="calendar"),
    path("calendar/calendar.csv", views.as_file, name="calendar-csv"),
    path("calendar/day/", views.day, name="calendar-day"),
    path("calendar/address/", feed.address, name="calendar-address"),
    path("calendar/feed/<str:key>.ics", login_not_required(feed.feed), name="calendar-feed"),
    path("calendar/own/new/", saying.new, name="calendar-own-new"),
    path("calendar/own/<int:pk>/", saying.edit, name="calendar-own"),
    path("calendar/own/<int:pk>/remove/", saying.remove, name="calendar-own-remove"),
    path("calendar/done/<int:pk>/file/", views.file, name="calendar-file"),
    path("calendar/done/<int:pk>/take-back/", views.take_back, name="calendar-take-back"),
    path("calendar/units/<int:pk>/settings/", saying.settings, name="calendar-settings"),
]
