from __future__ import annotations

from django.urls import path

from server.campaigns import answers, tables, views

urlpatterns = [
    path("campaigns/", views.campaigns, name="campaigns"),
    path("campaigns/new/", views.new, name="campaign-new"),
    path("campaigns/<int:pk>/", views.campaign, name="campaign"),
    path("campaigns/<int:pk>/edit/", views.edit, name="campaign-edit"),
    path("campaigns/<int:pk>/machines/", views.machines, name="campaign-machines"),
    path("campaigns/<int:pk>/report/", views.report, name="campaign-report"),
    path("campaigns/<int:pk>/machines.csv", tables.machines_csv, name="campaign-csv"),
    path("campaigns/<int:pk>/machines.xlsx", tables.machines_xlsx, name="campaign-machines-xlsx"),
    path("campaigns/<int:pk>/report.xlsx", tables.workbook, name="campaign-xlsx"),
    path("campaigns/<int:pk>/start/", views.act, {"action": "start"}, name="campaign-start"),
    path("campaigns/<int:pk>/close/", views.act, {"action": "close"}, name="campaign-close"),
    path("campaigns/<int:pk>/remove/", views.act, {"action": "remove"}, name="campaign-remove"),
    path("campaigns/<int:pk>/excuse/", answers.excuse, name="campaign-excuse"),
    path("campaigns/parts/<int:pk>/", answers.part, name="campaign-part"),
    path("campaigns/parts/<int:pk>/received/", answers.received, name="campaign-received"),
    path("campaigns/parts/<int:pk>/handed-in/", answers.handed_in, name="campaign-handed-in"),
    path("campaigns/parts/<int:pk>/roster/", answers.roster, name="campaign-roster"),
]
