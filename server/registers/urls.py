from __future__ import annotations

from django.urls import path
from django.views.generic import RedirectView

from server.registers import belonging, equipment, expiry, importing, software, stocktaking, views
from server.registers.books import BOOKS

urlpatterns = [
    path("registers/", RedirectView.as_view(pattern_name="equipment"), name="registers"),
    path("registers/expiry/", expiry.expiry, name="register-expiry"),
    path("registers/software/outside/", software.outside, name="software-outside"),
    path("registers/equipment/gaps/", equipment.gaps, name="equipment-gaps"),
    path("registers/equipment/<int:pk>/link/", equipment.link, name="equipment-link"),
    path("registers/equipment/<int:pk>/unlink/", equipment.unlink, name="equipment-unlink"),
    path("registers/stocktakes/", stocktaking.stocktakes, name="stocktakes"),
    path("registers/stocktakes/<int:pk>/", stocktaking.one, name="stocktake"),
    path("registers/stocktakes/<int:pk>/minutes.xlsx", stocktaking.minutes, name="stocktake-minutes"),
    path("registers/systems/<int:pk>/members/", belonging.members, name="system-members"),
    path("registers/uploads/<int:pk>/", importing.upload, name="register-upload"),
]
for name in BOOKS:
    told = {"book": name}
    urlpatterns += [
        path(f"registers/{name}/", views.entries, told, name=name),
        path(f"registers/{name}/export.xlsx", views.export, told | {"form": "xlsx"}, name=f"{name}-xlsx"),
        path(f"registers/{name}/export.csv", views.export, told | {"form": "csv"}, name=f"{name}-csv"),
        path(f"registers/{name}/new/", views.create, told, name=f"{name}-new"),
        path(f"registers/{name}/import/", importing.begin, told, name=f"{name}-import"),
        path(f"registers/{name}/<int:pk>/", views.entry, told, name=f"{name}-entry"),
        path(f"registers/{name}/<int:pk>/edit/", views.edit, told, name=f"{name}-edit"),
        path(f"registers/{name}/<int:pk>/note/", views.note, told, name=f"{name}-note"),
    ]
