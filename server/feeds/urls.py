from __future__ import annotations

from django.urls import path

from server.feeds import views

urlpatterns = [path("feeds/", views.feeds, name="feeds")]
