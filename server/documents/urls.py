from __future__ import annotations

from django.urls import path

from server.documents import scheduling, views

urlpatterns = [
    path("documents/", views.documents, name="documents"),
    path("documents/new/", views.new, name="document-new"),
    path("documents/<int:pk>/", views.document, name="document"),
    path("documents/<int:pk>/answers/", views.answers, name="document-answers"),
    path("documents/<int:pk>/again/", views.again, name="document-again"),
    path("documents/<int:pk>/compare/", views.compare, name="document-compare"),
    path("documents/routines/", scheduling.wanted, name="document-routines"),
    path("documents/routines/<int:pk>/remove/", scheduling.remove, name="document-routine-remove"),
    path("documents/issues/<int:pk>/reviewed/", scheduling.reviewed, name="document-reviewed"),
    path("documents/issues/<int:pk>/<str:form>/", views.download, name="document-file"),
    path("units/<int:pk>/letterhead/", views.letterhead, name="letterhead"),
]
